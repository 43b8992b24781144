#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace pointsman {

// The way back to a request that waits for something: wakes it once, unless it has gone.
//
// Threading: any thread.
class Wakeup {
 public:
  explicit Wakeup(std::function<void()> wake) : wake_(std::move(wake)) {}

  // What was waited for is there. Later calls do nothing.
  void ring() {
    const std::scoped_lock lock(mutex_);
    if (const auto wake = std::exchange(wake_, nullptr)) wake();
  }

  // It will not be waited for any longer: as ring(), unless that was called before.
  void time_out() {
    const std::scoped_lock lock(mutex_);
    timed_out_ = wake_ != nullptr;
    if (const auto wake = std::exchange(wake_, nullptr)) wake();
  }
  bool timed_out() const {
    const std::scoped_lock lock(mutex_);
    return timed_out_;
  }

  // Nobody waits any more: once this has returned, ring() does nothing.
  void cancel() {
    const std::scoped_lock lock(mutex_);
    wake_ = nullptr;
    cancelled_ = true;
  }
  bool cancelled() const {
    const std::scoped_lock lock(mutex_);
    return cancelled_;
  }

  // Keeps something alive as long as the request may ask for it.
  void hold(std::shared_ptr<const void> held) { held_ = std::move(held); }

 private:
  mutable std::mutex mutex_;
  std::function<void()> wake_;
  bool timed_out_ = false;
  bool cancelled_ = false;
  std::shared_ptr<const void> held_;
};

}  // namespace pointsman
