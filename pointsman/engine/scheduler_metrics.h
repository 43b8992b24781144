#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "pointsman/model/endpoint.h"
#include "pointsman/model/names.h"
#include "pointsman/telemetry/metrics.h"

namespace pointsman {

// Where the duration of one plugin's calls at one extension point is observed.
using PluginTimer = Histogram;

// REQUIRES: `extension_point` is one of spec/07 section 5.2, such as "Scorer".
inline PluginTimer plugin_timer(Metrics& metrics, std::string_view extension_point,
                                const TypedName& plugin) {
  return metrics.series(metric::kPluginDuration, extension_point, plugin.type, plugin.name);
}

// What one worker counts while it schedules.
//
// Threading: belongs to one thread.
class SchedulerShard {
 public:
  SchedulerShard(Metrics& metrics, MetricShard& shard);

  void observe(const PluginTimer& timer, std::chrono::nanoseconds elapsed) {
    shard_->observe(timer, elapsed);
  }
  void observe_schedule(std::chrono::nanoseconds elapsed) { shard_->observe(duration_, elapsed); }
  void attempt_failed(std::string_view model);
  // `target`: the first endpoint of the primary profile, or null when it picked none; `port`: where
  // on it the request goes.
  void attempt_succeeded(std::string_view model, const Endpoint* target, std::uint16_t port);

  MetricShard& shard() { return *shard_; }

 private:
  MetricShard* shard_;
  Histogram duration_;
};

}  // namespace pointsman
