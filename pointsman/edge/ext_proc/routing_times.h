#pragma once

#include <memory>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/telemetry/metrics.h"
#include "pointsman/wire/loop.h"

namespace pointsman {

// How long the proxy waits for the router alone: from the last byte of a request to the reply that
// says where it goes, written to the proxy's socket. One worker's half of
// pointsman_routing_duration_seconds.
//
// The clock starts when the loop has asked the kernel for what arrived, so that a request's wait
// for others of the same pass counts; its wait before that does not.
//
// Threading: the loop's thread.
class RoutingTimes {
 public:
  // Both outlive this.
  RoutingTimes(Loop& loop, MetricShard& shard);

  // When what is being served now had arrived.
  Clock::time_point arrived() const { return loop_.polled_at(); }

  // The reply to a request whose last byte came at `arrival` leaves with this pass.
  void replied(Clock::time_point arrival);

 private:
  struct Leaving;

  Loop& loop_;
  std::shared_ptr<Leaving> leaving_;
};

}  // namespace pointsman
