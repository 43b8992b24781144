#include "pointsman/edge/ext_proc/routing_times.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "pointsman/telemetry/testing/metric_value.h"

namespace pointsman {
namespace {

constexpr std::string_view kCount = "pointsman_routing_duration_seconds_count";
constexpr std::string_view kSum = "pointsman_routing_duration_seconds_sum";

struct Rig {
  std::optional<double> value(std::string_view sample) const {
    return metric_value(metrics.expose(), std::string(sample));
  }

  Metrics metrics;
  Loop loop;
  RoutingTimes times{loop, metrics.add_shard()};
};

TEST(RoutingTimes, OfOnePassEndWhenItsWritesAreDone) {
  Rig rig;
  bool before_the_end = false;
  rig.loop.post([&] {
    rig.times.replied(rig.times.arrived() - std::chrono::seconds(1));
    rig.times.replied(rig.times.arrived() - std::chrono::seconds(2));
    before_the_end = !rig.value(kCount).has_value();
  });
  EXPECT_TRUE(rig.loop.run_until([&] { return rig.value(kCount).has_value(); }));
  EXPECT_TRUE(before_the_end);
  EXPECT_EQ(rig.value(kCount), 2);
  EXPECT_GE(rig.value(kSum), 3.0);
}

TEST(RoutingTimes, BeginWhenTheLoopHasAskedForWhatArrived) {
  Rig rig;
  const auto before = Clock::now();
  Clock::time_point arrived;
  rig.loop.post([&] { arrived = rig.times.arrived(); });
  EXPECT_TRUE(rig.loop.run_until([&] { return arrived != Clock::time_point(); }));
  EXPECT_GE(arrived, before);
  EXPECT_LE(arrived, Clock::now());
}

TEST(RoutingTimes, MayBeGoneBeforeThePassEnds) {
  Metrics metrics;
  Loop loop;
  bool ran = false;
  loop.post([&] {
    RoutingTimes times(loop, metrics.add_shard());
    times.replied(times.arrived());
    ran = true;
  });
  EXPECT_TRUE(loop.run_until([&] { return ran; }));
  EXPECT_EQ(metric_value(metrics.expose(), std::string(kCount)), std::nullopt);
}

}  // namespace
}  // namespace pointsman
