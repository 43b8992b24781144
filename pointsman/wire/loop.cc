#include "pointsman/wire/loop.h"

#include <atomic>
#include <latch>
#include <memory>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/wire/loop_core.h"

namespace pointsman {

Loop::Loop() : core_(std::make_unique<LoopCore>()) {}
Loop::~Loop() = default;

void Loop::run() {
  core_->thread = std::this_thread::get_id();
  while (core_->run_one(Clock::time_point::max())) {
  }
  core_->restart();
  core_->thread = std::thread::id();
}

bool Loop::run_until(const std::function<bool()>& done, std::chrono::nanoseconds limit) {
  core_->thread = std::this_thread::get_id();
  const auto end = Clock::now() + limit;
  bool in_time = done();
  while (!in_time && core_->run_one(end)) in_time = done();
  core_->thread = std::thread::id();
  return in_time;
}

void Loop::stop() {
  core_->stop();
}

void Loop::post(Task task) {
  core_->post(std::move(task));
}

void Loop::defer(Task task) {
  core_->defer(std::move(task));
}

Clock::time_point Loop::polled_at() const {
  return core_->polled_at;
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

void Workers::run_on_each(const std::function<void(std::size_t, Loop&)>& task) {
  for (std::size_t i = 0; i < size(); ++i) {
    run_on(i, [&](Loop& loop) { task(i, loop); });
  }
}

void Workers::drain_each(const std::function<void(std::size_t, std::function<void()>)>& drain,
                         std::function<void()> done) {
  const auto left = std::make_shared<std::atomic<std::size_t>>(size());
  const auto all_done = std::make_shared<const std::function<void()>>(std::move(done));
  for (std::size_t i = 0; i < size(); ++i) {
    loops_[i]->post([drain, i, left, all_done] {
      drain(i, [left, all_done] {
        if (left->fetch_sub(1) == 1) (*all_done)();
      });
    });
  }
}

void Workers::stop() {
  for (const auto& loop : loops_) loop->stop();
  threads_.clear();
}

}  // namespace pointsman
