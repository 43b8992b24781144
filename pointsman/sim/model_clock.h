#pragma once

#include <chrono>

#include "pointsman/base/clock.h"
#include "pointsman/sim/server_model.h"

namespace pointsman {

// Where a simulated engine is in model time. Its rate is the number of model seconds per second,
// which may change at any time; at rate 0 the engine stands still.
class ModelClock {
 public:
  ModelClock(Clock::time_point start, double rate) : since_(start), rate_(rate) {}

  // REQUIRES: now is not before the start or the latest change of rate.
  ModelTime at(Clock::time_point now) const {
    return base_ + std::chrono::duration_cast<ModelTime>((now - since_) * rate_);
  }

  // When `time` comes. Never, at rate 0.
  Clock::time_point when(ModelTime time) const {
    if (rate_ <= 0) return Clock::time_point::max();
    return since_ + std::chrono::ceil<Clock::duration>((time - base_) / rate_);
  }

  void set_rate(Clock::time_point now, double rate) {
    base_ = at(now);
    since_ = now;
    rate_ = rate;
  }

 private:
  ModelTime base_{};
  Clock::time_point since_;
  double rate_;
};

}  // namespace pointsman
