#include "pointsman/wire/loop_core.h"

#include <utility>

#include "pointsman/wire/resolver.h"

namespace pointsman {

class LoopCore::Turn {
 public:
  explicit Turn(LoopCore& core) : core_(core) { ++core_.depth_; }
  ~Turn() {
    if (core_.depth_ == 1 && !core_.deferred_.empty()) core_.run_deferred();
    --core_.depth_;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  LoopCore& core_;
};

LoopCore::LoopCore() : scratch(std::make_unique_for_overwrite<char[]>(kScratch)) {}

LoopCore::~LoopCore() {
  resolver_.reset();  // its thread posts
  // Their timers and sockets need the rest of this.
  owned_.clear();
  // A task that dies may post one more.
  const auto tasks = std::exchange(tasks_, {});
  const auto inbox = std::exchange(inbox_, {});
}

bool LoopCore::run_one(Clock::time_point limit) {
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (Watch* const watch = reactor.next()) {
      const Turn turn(*this);
      watch->serve();
      return true;
    }
    if (task_ < tasks_.size()) {
      const Turn turn(*this);
      Loop::Task task = std::move(tasks_[task_++]);
      task();
      return true;
    }
    if (reactor.alarmed()) {
      fire_due();
      return true;
    }
    if (!gather(limit)) return false;
  }
  return false;
}

// Finds out what there is to do next. False: nothing before `limit`.
bool LoopCore::gather(Clock::time_point limit) {
  tasks_.clear();
  task_ = 0;
  if (posted_.load()) {
    const std::lock_guard lock(inbox_lock_);
    std::swap(tasks_, inbox_);
    posted_.store(false);
  }
  std::chrono::milliseconds patience(-1);
  if (!tasks_.empty() || reactor.has_ready()) {
    patience = std::chrono::milliseconds(0);
  } else {
    if (limit != Clock::time_point::max()) {
      const auto left = limit - Clock::now();
      if (left <= Clock::duration::zero()) return false;
      patience = std::chrono::ceil<std::chrono::milliseconds>(left);
    }
    // From here on whoever posts rings; who posted before is seen.
    sleeping_.store(true);
    if (posted_.load() || stopping_.load()) patience = std::chrono::milliseconds(0);
  }
  reactor.poll(patience);
  polled_at = Clock::now();
  sleeping_.store(false, std::memory_order_relaxed);
  return true;
}

void LoopCore::post(Loop::Task task) {
  {
    const std::lock_guard lock(inbox_lock_);
    inbox_.push_back(std::move(task));
    posted_.store(true);
  }
  ring();
}

void LoopCore::stop() {
  stopping_.store(true);
  ring();
}

void LoopCore::ring() {
  if (sleeping_.exchange(false)) reactor.wake();
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

Resolver& LoopCore::resolver() {
  if (!resolver_) resolver_ = std::make_unique<Resolver>();
  return *resolver_;
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
  reactor.set_alarm(alarm_at_ - Clock::now());
}

void LoopCore::fire_due() {
  const Turn turn(*this);
  const auto now = Clock::now();
  while (Timer* timer = timers_.take_due(now)) {
    // The callback may destroy its timer, and must not be destroyed with it while it runs.
    Loop::Task fire = std::move(timer->fire_);
    firing_ = timer;
    fire();
    if (firing_ != nullptr) firing_->fire_ = std::move(fire);
    firing_ = nullptr;
  }
  alarm_at_ = Clock::time_point::max();
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

}  // namespace pointsman
