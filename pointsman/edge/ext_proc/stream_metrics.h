#pragma once

#include <string_view>

#include "pointsman/base/clock.h"
#include "pointsman/telemetry/metrics.h"
#include "pointsman/wire/grpc_call.h"

namespace pointsman {

// A status as Go's gRPC spells it, such as "Canceled".
std::string_view status_name(GrpcStatus status);

// --enable-grpc-stream-metrics (spec/02 section 12): the llm_d_epp_extproc_stream families of one
// worker. The gauge and the durations are there from the start, the codes when one has occurred.
//
// Threading: the thread of the shard.
class StreamMetrics {
 public:
  explicit StreamMetrics(MetricShard& shard);

  void opened();
  void ended(GrpcStatus status, Clock::duration open_for);

 private:
  MetricShard& shard_;
  Gauge inflight_;
  Histogram duration_;
};

}  // namespace pointsman
