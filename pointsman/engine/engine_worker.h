#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "pointsman/base/clock.h"
#include "pointsman/base/published.h"
#include "pointsman/base/random.h"
#include "pointsman/engine/request_rules.h"
#include "pointsman/engine/scheduler_metrics.h"
#include "pointsman/model/fleet.h"
#include "pointsman/telemetry/metrics.h"

namespace pointsman {

// What one worker brings to every request it handles.
//
// Threading: belongs to one thread.
struct EngineWorker {
  EngineWorker(Metrics& metrics, MetricShard& shard, const Published<Fleet>& fleets,
               std::uint64_t seed);

  SchedulerShard scheduler;
  MetricShard& shard;
  Published<Fleet>::Reader fleet;
  std::optional<Published<RequestRules>::Reader> rules;  // none: there are no resources
  Random random;
  Histogram request_processing;
  Histogram response_processing;

  // Runs a task on this worker's thread, from any thread. Without it no request waits: preparers
  // are not asked.
  std::function<void(std::function<void()>)> post;
  // Runs a task on this worker's thread after that time, unless what is returned is destroyed
  // before, on this thread. Without it requests wait without limit.
  std::function<std::shared_ptr<void>(Clock::duration, std::function<void()>)> alarm;
};

}  // namespace pointsman
