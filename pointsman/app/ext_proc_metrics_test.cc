// What is measured of ext_proc streams: --enable-grpc-stream-metrics (spec/07 section 4.5), with
// its names, types, labels and what is counted; and the time to the routing reply.
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "pointsman/app/testing/ext_proc_rig.h"
#include "pointsman/edge/ext_proc/stream_metrics.h"
#include "pointsman/telemetry/testing/metric_value.h"

namespace pointsman {
namespace {

using testing::Rig;
using testing::three;
using testing::Transaction;

constexpr std::string_view kInflight = "llm_d_epp_extproc_streams_inflight";
constexpr std::string_view kCount = "llm_d_epp_extproc_stream_duration_seconds_count";

std::optional<double> value(const Rig& rig, std::string_view sample) {
  return metric_value(rig.metrics(), std::string(sample));
}

std::optional<double> ended(const Rig& rig, const std::string& code) {
  return value(rig, "llm_d_epp_extproc_streams_total{code=\"" + code + "\"}");
}

TEST(ExtProcStreamMetrics, FollowAStreamFromItsBeginningToItsEnd) {
  Rig rig(three(), {.stream_metrics = true});
  EXPECT_EQ(value(rig, kInflight), 0);
  EXPECT_EQ(value(rig, kCount), 0);
  Transaction stream(rig);
  stream.request_headers();
  EXPECT_EQ(value(rig, kInflight), 1);
  EXPECT_EQ(ended(rig, "OK"), std::nullopt);
  stream.half_close();
  EXPECT_EQ(value(rig, kInflight), 0);
  EXPECT_EQ(value(rig, kCount), 1);
  EXPECT_EQ(ended(rig, "OK"), 1);
}

TEST(ExtProcStreamMetrics, TellTheWaysAStreamEnds) {
  Rig rig(three(), {.stream_metrics = true});
  Transaction refused(rig);
  refused.request_headers();
  refused.request_body("no JSON");  // answered 400: the stream itself is fine
  EXPECT_EQ(ended(rig, "OK"), 1);
  Transaction cancelled(rig);
  cancelled.request_headers();
  cancelled.cancel();
  EXPECT_EQ(ended(rig, "Canceled"), 1);
  Transaction garbled(rig);
  garbled.send("\x12\xFF");
  EXPECT_EQ(ended(rig, "Unknown"), 1);
  Transaction giant(rig);
  giant.send(std::string((std::size_t{4} << 20U) + 1, 'x'));
  EXPECT_EQ(giant.status(), "8");
  EXPECT_EQ(ended(rig, "ResourceExhausted"), 1);
  EXPECT_EQ(value(rig, kInflight), 0);
  EXPECT_EQ(value(rig, kCount), 4);
}

TEST(ExtProcStreamMetrics, AreNotThereUnlessAskedFor) {
  Rig rig;
  Transaction stream(rig);
  stream.request_headers();
  stream.half_close();
  EXPECT_FALSE(rig.metrics().contains("extproc_stream"));
}

TEST(ExtProcStreamMetrics, SpellStatusesAsGoDoes) {
  EXPECT_EQ(status_name(GrpcStatus::ok), "OK");
  EXPECT_EQ(status_name(GrpcStatus::cancelled), "Canceled");
  EXPECT_EQ(status_name(GrpcStatus::deadline_exceeded), "DeadlineExceeded");
  EXPECT_EQ(status_name(GrpcStatus::failed_precondition), "FailedPrecondition");
  EXPECT_EQ(status_name(GrpcStatus::internal), "Internal");
  EXPECT_EQ(status_name(GrpcStatus::unauthenticated), "Unauthenticated");
}

TEST(ExtProcRoutingTime, IsThatOfRequestsWhichWereRouted) {
  Rig rig;
  Transaction refused(rig);
  refused.request_headers();
  refused.request_body("no JSON");
  Transaction routed(rig);
  routed.request_headers();
  routed.request_body(R"({"model":"m","prompt":"p"})");
  EXPECT_EQ(value(rig, "pointsman_routing_duration_seconds_count"), 1);
}

}  // namespace
}  // namespace pointsman
