#include "pointsman/plugins/saturation/utilization_detector.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using std::chrono::milliseconds;
using testing::make;
using testing::Scene;

struct State {
  double waiting = 0;
  double kv_usage = 0;
  std::optional<milliseconds> age = milliseconds(0);  // none: never read
};

Scene scene_of(const std::vector<State>& states) {
  std::vector<testing::Server> servers;
  for (const State& state : states) {
    servers.push_back({.name = "e" + std::to_string(servers.size()),
                       .waiting = state.waiting,
                       .kv_usage = state.kv_usage});
  }
  return Scene(servers);
}

void set_ages(Scene& scene, const std::vector<State>& states) {
  for (EndpointIndex e = 0; e < states.size(); ++e) {
    scene.fleet.set_read_at(e, states[e].age ? scene.now - *states[e].age : Clock::time_point{});
  }
}

double saturation(const std::vector<State>& states) {
  Scene scene = scene_of(states);
  set_ages(scene, states);
  const auto detector = make<UtilizationDetector>(
      {.queue_depth = 5, .kv_cache = 0.9, .staleness = milliseconds(100)}, scene.table);
  return detector->saturation(scene.fleet, scene.all(), scene.now);
}

std::vector<std::string> kept(const std::vector<State>& states) {
  Scene scene = scene_of(states);
  set_ages(scene, states);
  const auto detector = make<UtilizationDetector>(
      {.queue_depth = 5, .kv_cache = 0.8, .staleness = milliseconds(100), .headroom = 0.2},
      scene.table);
  return testing::kept(*detector, scene);
}

using Names = std::vector<std::string>;

TEST(UtilizationDetector, TakesTheWorseOfQueueAndCache) {
  EXPECT_NEAR(saturation({{2, .5}}), 0.5556, 1e-4);
  EXPECT_NEAR(saturation({{5, .1}}), 1.0, 1e-9);
  EXPECT_NEAR(saturation({{10, .1}}), 2.0, 1e-9);
  EXPECT_NEAR(saturation({{1, .95}}), 1.0556, 1e-4);
}

TEST(UtilizationDetector, CountsStaleAndUnknownEndpointsAsFull) {
  EXPECT_NEAR(saturation({{1, .1, milliseconds(101)}}), 1.0, 1e-9);
  EXPECT_NEAR(saturation({{1, .1, milliseconds(100)}}), 0.2, 1e-9);
  EXPECT_NEAR(saturation({{0, 0, std::nullopt}}), 1.0, 1e-9);
  EXPECT_NEAR(saturation({{1, .1}, {0, 0, milliseconds(200)}}), 0.6, 1e-9);
}

TEST(UtilizationDetector, AveragesOverTheEndpoints) {
  EXPECT_NEAR(saturation({{1, .1}, {0, .2}}), 0.2111, 1e-4);
  EXPECT_NEAR(saturation({{1, .1}, {15, .2}}), 1.6, 1e-9);
  EXPECT_NEAR(saturation({{0, 0, milliseconds(300)}, {20, .2}, {1, .99}}), 2.0333, 1e-4);
  EXPECT_EQ(saturation({}), 1.0);
}

TEST(UtilizationDetector, FiltersEndpointsOverTheLimits) {
  EXPECT_EQ(kept({{5, .9}}), Names{"e0"});
  EXPECT_EQ(kept({{7, .1}, {1, .1}}), Names{"e1"});
  EXPECT_EQ(kept({{1, .97}, {1, .5}}), Names{"e1"});
}

TEST(UtilizationDetector, KeepsAllWhenNoneIsBelowTheLimits) {
  EXPECT_EQ(kept({{10, .1}, {1, .99}}).size(), 2U);
  EXPECT_EQ(kept({{0, 0, milliseconds(500)}, {0, 0, std::nullopt}}).size(), 2U);
}

TEST(UtilizationDetectorParams, ReportsEveryViolationAtOnce) {
  const auto checked = UtilizationDetectorParams::check(
      {.queue_depth = 0, .kv_cache = 1.5, .staleness = milliseconds(0), .headroom = -1});
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message,
            "invalid utilization detector configuration: "
            "queueDepthThreshold must be strictly positive, got 0\n"
            "kvCacheUtilThreshold must be in (0.0, 1.0], got 1.500000\n"
            "metricsStalenessThreshold must be strictly positive, got 0s\n"
            "headroom must be a non-negative value, got -1.000000");
}

}  // namespace
}  // namespace pointsman
