#pragma once

#include <memory>
#include <string>

#include "pointsman/base/clock.h"
#include "pointsman/base/published.h"
#include "pointsman/model/fleet.h"
#include "pointsman/telemetry/metrics.h"

namespace pointsman {

// Mean and spread of the load over all endpoints with fresh values, and how many those are
// (spec/07 sections 4.2 and 5.4). Without any fresh endpoint there is no mean to show.
class PoolGauges {
 public:
  // `shard` belongs to the thread that calls refresh().
  PoolGauges(Metrics& metrics, MetricShard& shard, const std::string& pool);

  // `staleness`: how old the last good page of a fresh endpoint may be.
  void refresh(const Fleet& fleet, Clock::time_point now, Clock::duration staleness);

 private:
  struct Spread {
    Gauge mean;
    Gauge deviation;
  };
  void show(const Fleet& fleet, Load load, Clock::time_point fresh_from, const Spread& gauges);

  MetricShard* shard_;
  Spread kv_cache_;
  Spread queue_;
  Spread running_;
  Gauge ready_;
};

// Exposes the waiting requests of every endpoint, read when the metrics are.
void expose_endpoint_queues(Metrics& metrics, std::shared_ptr<const Published<Fleet>> fleet,
                            std::string pool);

}  // namespace pointsman
