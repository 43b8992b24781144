#pragma once

#include "pointsman/base/clock.h"
#include "pointsman/engine/scheduler_metrics.h"

namespace pointsman {

// Times consecutive plugin calls with one clock reading each: where one ends, the next begins.
// What little the engine does between two calls is counted with the second.
class Laps {
 public:
  explicit Laps(SchedulerShard& metrics) : metrics_(metrics), last_(Clock::now()) {}

  // Starts over: what happened since the last lap belongs to no plugin.
  void restart() { last_ = Clock::now(); }
  void lap(const PluginTimer& timer) {
    const auto now = Clock::now();
    metrics_.observe(timer, now - last_);
    last_ = now;
  }
  Clock::time_point last() const { return last_; }
  SchedulerShard& metrics() { return metrics_; }

 private:
  SchedulerShard& metrics_;
  Clock::time_point last_;
};

}  // namespace pointsman
