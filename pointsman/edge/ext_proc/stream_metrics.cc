#include "pointsman/edge/ext_proc/stream_metrics.h"

#include <array>

namespace pointsman {
namespace {

constexpr std::array<std::string_view, 17> kNames{
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

}  // namespace

std::string_view status_name(GrpcStatus status) {
  return kNames.at(static_cast<std::size_t>(status));
}

StreamMetrics::StreamMetrics(MetricShard& shard)
    : shard_(shard),
      inflight_(shard.with(metric::kStreamsInflight)),
      duration_(shard.with(metric::kStreamDuration)) {
  shard_.add(inflight_, 0.0);
  shard_.show(duration_);
}

void StreamMetrics::opened() {
  shard_.add(inflight_, 1.0);
}

void StreamMetrics::ended(GrpcStatus status, Clock::duration open_for) {
  shard_.add(inflight_, -1.0);
  shard_.observe(duration_, open_for);
  shard_.add(shard_.with(metric::kStreams, status_name(status)));
}

}  // namespace pointsman
