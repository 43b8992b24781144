#include "pointsman/fleet/pool_gauges.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "pointsman/telemetry/families.h"

namespace pointsman {
namespace {

double to_cents(double value) {
  return std::round(value * 100) / 100;
}

}  // namespace

PoolGauges::PoolGauges(Metrics& metrics, MetricShard& shard, const std::string& pool)
    : shard_(&shard),
      kv_cache_{metrics.series(metric::kPoolKvCache, pool),
                metrics.series(metric::kPoolKvCacheStdDev, pool)},
      queue_{metrics.series(metric::kPoolQueue, pool),
             metrics.series(metric::kPoolQueueStdDev, pool)},
      running_{metrics.series(metric::kPoolRunning, pool),
               metrics.series(metric::kPoolRunningStdDev, pool)},
      ready_(metrics.series(metric::kReadyEndpoints, pool)) {}

void PoolGauges::refresh(const Fleet& fleet, Clock::time_point now, Clock::duration staleness) {
  const Clock::time_point fresh_from = now - staleness;
  std::size_t fresh = 0;
  for (EndpointIndex e = 0; e < fleet.size(); ++e) {
    const Clock::time_point at = fleet.read_at(e);
    if (at != Clock::time_point{} && at >= fresh_from) ++fresh;
  }
  shard_->set(ready_, static_cast<double>(fresh));
  show(fleet, Load::kv_usage, fresh_from, kv_cache_);
  show(fleet, Load::waiting, fresh_from, queue_);
  show(fleet, Load::running, fresh_from, running_);
}

void PoolGauges::show(const Fleet& fleet, Load load, Clock::time_point fresh_from,
                      const Spread& gauges) {
  const LoadColumn& column = fleet.load(load);
  const auto fresh = [&](EndpointIndex e) {
    return !std::isnan(column.value[e]) && column.at[e] >= fresh_from;
  };
  double sum = 0;
  double count = 0;
  for (EndpointIndex e = 0; e < fleet.size(); ++e) {
    if (!fresh(e)) continue;
    sum += column.value[e];
    ++count;
  }
  if (count == 0) {
    shard_->clear(gauges.mean);
    shard_->clear(gauges.deviation);
    return;
  }
  const double mean = sum / count;
  double squares = 0;
  for (EndpointIndex e = 0; e < fleet.size(); ++e) {
    if (fresh(e)) squares += (column.value[e] - mean) * (column.value[e] - mean);
  }
  shard_->set(gauges.mean, to_cents(mean));
  shard_->set(gauges.deviation, to_cents(std::sqrt(squares / std::max(1.0, count - 1))));
}

void expose_endpoint_queues(Metrics& metrics, std::shared_ptr<const Published<Fleet>> fleet,
                            std::string pool) {
  // expose() calls one source at a time, so that the reader has one user.
  auto reader = std::make_shared<Published<Fleet>::Reader>(*fleet);
  metrics.add_source([fleet = std::move(fleet), reader = std::move(reader),
                      pool = std::move(pool)](std::vector<Sample>& samples) {
    const Fleet& now = *reader->get();
    const LoadColumn& waiting = now.load(Load::waiting);
    for (EndpointIndex e = 0; e < now.size(); ++e) {
      if (std::isnan(waiting.value[e])) continue;
      samples.push_back({.family = &metric::kEndpointQueue,
                         .labels = {pool, now[e].name},
                         .value = waiting.value[e]});
    }
  });
}

}  // namespace pointsman
