#include "pointsman/wire/loop.h"

#include <csignal>
#include <latch>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include "pointsman/base/bug.h"
#include "pointsman/wire/loop_core.h"

namespace pointsman {

LoopCore::LoopCore()
    : work(boost::asio::make_work_guard(io)),
      scratch(std::make_unique_for_overwrite<char[]>(kScratch)),
      alarm_(io) {}

LoopCore::~LoopCore() {
  // Their timers and sockets need the rest of this.
  owned_.clear();
}

void LoopCore::own(std::unique_ptr<LoopOwned> owned) {
  LoopOwned* const key = owned.get();
  owned_.emplace(key, std::move(owned));
}

void LoopCore::release(LoopOwned& owned) {
  if (auto node = owned_.extract(&owned)) {
    defer([gone = std::move(node.mapped())] {});
  }
}

std::span<char> LoopCore::cipher() {
  if (!cipher_) cipher_ = std::make_unique_for_overwrite<char[]>(kCipher);
  return {cipher_.get(), kCipher};
}

void LoopCore::arm(Timer& timer, Clock::time_point deadline) {
  if (timers_.arm(timer, deadline)) set_alarm();
}

void LoopCore::forget(Timer& timer) {
  timers_.remove(timer);
  if (firing_ == &timer) firing_ = nullptr;
}

void LoopCore::set_alarm() {
  if (timers_.empty() || timers_.next() >= alarm_at_) return;
  alarm_at_ = timers_.next();
  alarm_.expires_after(alarm_at_ - Clock::now());
  alarm_.async_wait([this](const boost::system::error_code& error) {
    if (!error) fire_due();
  });
}

void LoopCore::fire_due() {
  const Turn turn(*this);
  alarm_at_ = Clock::time_point::max();
  const auto now = Clock::now();
  while (Timer* timer = timers_.take_due(now)) {
    // The callback may destroy its timer, and must not be destroyed with it while it runs.
    Loop::Task fire = std::move(timer->fire_);
    firing_ = timer;
    fire();
    if (firing_ != nullptr) firing_->fire_ = std::move(fire);
    firing_ = nullptr;
  }
  set_alarm();
}

void LoopCore::defer(Loop::Task task) {
  if (depth_ == 0) {
    task();
  } else {
    deferred_.push_back(std::move(task));
  }
}

void LoopCore::run_deferred() {
  // Deferred tasks may defer more.
  while (!deferred_.empty()) {
    std::swap(deferred_, running_);
    for (Loop::Task& task : running_) task();
    running_.clear();
  }
}

Loop::Loop() : core_(std::make_unique<LoopCore>()) {}
Loop::~Loop() = default;

void Loop::run() {
  core_->thread = std::this_thread::get_id();
  core_->io.run();
  core_->io.restart();
  core_->thread = std::thread::id();
}

bool Loop::run_until(const std::function<bool()>& done, std::chrono::nanoseconds limit) {
  core_->thread = std::this_thread::get_id();
  const auto end = std::chrono::steady_clock::now() + limit;
  bool in_time = done();
  while (!in_time && core_->io.run_one_until(end) > 0) in_time = done();
  core_->thread = std::thread::id();
  return in_time;
}

void Loop::stop() {
  core_->io.stop();
}

void Loop::post(Task task) {
  boost::asio::post(core_->io, [&core = *core_, task = std::move(task)]() mutable {
    const LoopCore::Turn turn(core);
    task();
  });
}

void Loop::defer(Task task) {
  core_->defer(std::move(task));
}

bool Loop::inside() const {
  return core_->thread.load() == std::this_thread::get_id();
}

std::span<char> Loop::scratch() {
  return {core_->scratch.get(), LoopCore::kScratch};
}

Timer::Timer(Loop& loop, Loop::Task fire) : core_(loop.core()), fire_(std::move(fire)) {}

Timer::~Timer() {
  core_.forget(*this);
}

void Timer::arm(std::chrono::nanoseconds after) {
  arm_at(Clock::now() + after);
}

void Timer::arm_at(Clock::time_point deadline) {
  core_.arm(*this, deadline);
}

void Timer::disarm() {
  deadline_ = kNever;
}

Workers::Workers(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) loops_.push_back(std::make_unique<Loop>());
  for (const auto& loop : loops_) threads_.emplace_back([&loop = *loop] { loop.run(); });
}

Workers::~Workers() {
  stop();
}

void Workers::run_on(std::size_t i, const std::function<void(Loop&)>& task) {
  if (loops_[i]->inside()) bug("Workers::run_on() waits for its own thread");
  std::latch done(1);
  loops_[i]->post([&] {
    task(*loops_[i]);
    done.count_down();
  });
  done.wait();
}

void Workers::stop() {
  for (const auto& loop : loops_) loop->stop();
  threads_.clear();
}

struct StopSignals::Wait {
  Wait(Loop& loop, std::move_only_function<void(int)> then)
      : core(loop.core()), set(core.io, SIGINT, SIGTERM), caught(std::move(then)) {}

  static void next(const std::shared_ptr<Wait>& wait) {
    wait->set.async_wait([wait](const boost::system::error_code& error, int signal) {
      if (error || !wait->live) return;
      const LoopCore::Turn turn(wait->core);
      wait->caught(signal);
      if (wait->live) next(wait);
    });
  }

  LoopCore& core;
  boost::asio::signal_set set;
  std::move_only_function<void(int)> caught;
  bool live = true;
};

StopSignals::StopSignals(Loop& loop, std::move_only_function<void(int)> caught)
    : wait_(std::make_shared<Wait>(loop, std::move(caught))) {
  Wait::next(wait_);
}

StopSignals::~StopSignals() {
  wait_->live = false;
  boost::system::error_code ignored;
  wait_->set.clear(ignored);
  wait_->set.cancel(ignored);
}

}  // namespace pointsman
