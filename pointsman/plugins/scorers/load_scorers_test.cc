#include "pointsman/plugins/scorers/load_scorers.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::make;
using testing::Scene;
using testing::scores;

TEST(QueueScorer, ScalesBetweenTheShortestAndTheLongestQueue) {
  Scene scene(
      {{.name = "a", .waiting = 10}, {.name = "b", .waiting = 5}, {.name = "c", .waiting = 0}});
  EXPECT_EQ(scores(*make<QueueScorer>({}, scene.table), scene), (std::vector{0.0, 0.5, 1.0}));
}

TEST(QueueScorer, GivesEqualQueuesTheBestScore) {
  Scene scene({{.name = "a", .waiting = 3}, {.name = "b", .waiting = 3}});
  EXPECT_EQ(scores(*make<QueueScorer>({}, scene.table), scene), (std::vector{1.0, 1.0}));
  Scene single({{.name = "a", .waiting = 7}});
  EXPECT_EQ(scores(*make<QueueScorer>({}, single.table), single), std::vector{1.0});
}

TEST(QueueScorer, GivesNoScoreToAnEndpointThatWasNeverRead) {
  Scene scene({{.name = "a"}, {.name = "b", .waiting = 5}, {.name = "c", .waiting = 0}});
  const auto out = scores(*make<QueueScorer>({}, scene.table), scene);
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[1], 0.0);
  EXPECT_EQ(out[2], 1.0);
}

TEST(QueueScorer, GivesNoScoreToAStaleSignal) {
  Scene scene({{.name = "a", .waiting = 1}, {.name = "b", .waiting = 2}});
  scene.fleet.set(0, Load::waiting, 1, scene.now - std::chrono::seconds(10));
  const Context fresh_only{scene.request, scene.fleet, scene.signals,
                           scene.trace,   scene.now,   scene.now - std::chrono::seconds(1)};
  std::vector<double> out(2, kMissing);
  make<QueueScorer>({}, scene.table)->score(fresh_only, scene.all(), out);
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[1], 1.0);
}

TEST(RunningRequestsScorer, ScalesByRunningRequests) {
  Scene scene(
      {{.name = "a", .running = 10}, {.name = "b", .running = 5}, {.name = "c", .running = 0}});
  EXPECT_EQ(scores(*make<RunningRequestsScorer>({}, scene.table), scene),
            (std::vector{0.0, 0.5, 1.0}));
}

TEST(KvCacheUtilizationScorer, ScoresTheFreeShare) {
  Scene scene({{.name = "a", .kv_usage = 0.8},
               {.name = "b", .kv_usage = 0.5},
               {.name = "c", .kv_usage = 0}});
  const auto out = scores(*make<KvCacheUtilizationScorer>({}, scene.table), scene);
  EXPECT_DOUBLE_EQ(out[0], 0.2);
  EXPECT_DOUBLE_EQ(out[1], 0.5);
  EXPECT_DOUBLE_EQ(out[2], 1.0);
}

}  // namespace
}  // namespace pointsman
