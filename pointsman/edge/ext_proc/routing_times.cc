#include "pointsman/edge/ext_proc/routing_times.h"

namespace pointsman {

// The replies of one pass. Shared with the task at its end, which may come after our own.
struct RoutingTimes::Leaving {
  explicit Leaving(MetricShard& of) : shard(of), duration(of.with(metric::kRouting)) {}

  void left() {
    const auto now = Clock::now();
    for (const Clock::time_point arrival : arrivals) shard.observe(duration, now - arrival);
    arrivals.clear();
  }

  MetricShard& shard;
  Histogram duration;
  std::vector<Clock::time_point> arrivals;
};

RoutingTimes::RoutingTimes(Loop& loop, MetricShard& shard)
    : loop_(loop), leaving_(std::make_shared<Leaving>(shard)) {}

void RoutingTimes::replied(Clock::time_point arrival) {
  leaving_->arrivals.push_back(arrival);
  if (leaving_->arrivals.size() > 1) return;
  // Runs after what the connection has deferred: its write.
  loop_.defer([weak = std::weak_ptr(leaving_)] {
    if (const auto leaving = weak.lock()) leaving->left();
  });
}

}  // namespace pointsman
