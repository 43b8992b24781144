#include "pointsman/plugins/scorers/latency.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::Scene;
using Scores = std::vector<double>;

// An endpoint's headrooms in ms, and the requests it has.
LatencyPrediction room(double ttft, double tpot, std::int64_t dispatched = 1) {
  return {
      .ttft_headroom_ms = ttft, .tpot_headroom_ms = tpot, .dispatched = dispatched, .known = true};
}

Scores scored(const std::vector<LatencyPrediction>& predictions,
              const LatencyScorerParams& params = {}) {
  std::vector<testing::Server> servers;
  for (std::size_t i = 0; i < predictions.size(); ++i)
    servers.push_back({.name = std::to_string(i)});
  Scene scene(servers);
  const auto scorer = testing::make<LatencyScorer>(params, scene.table);
  pointsman::Setup others({}, {}, scene.table);
  const auto latency = others.writes<LatencyPrediction>(
      {"LatencyPredictionInfoDataKey", "predicted-latency-producer"});
  scene.begin();
  std::ranges::copy(predictions, scene.signals.write(latency).begin());
  return testing::scores(*scorer, scene);
}

// Without predictions: cache usage, queue and prefix share in percent per endpoint.
struct State {
  double usage;
  double waiting;
  std::int32_t prefix;
};
Scores composite(const std::vector<State>& states) {
  std::vector<testing::Server> servers;
  for (const State& s : states) {
    servers.push_back(
        {.name = std::to_string(servers.size()), .waiting = s.waiting, .kv_usage = s.usage});
  }
  Scene scene(servers);
  const auto scorer = testing::make<LatencyScorer>({}, scene.table);
  pointsman::Setup others({}, {}, scene.table);
  const auto match =
      others.writes<PrefixMatch>({"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"});
  scene.begin();
  for (std::size_t i = 0; i < states.size(); ++i) {
    scene.signals.write(match)[i] = {.match = states[i].prefix, .total = 100};
  }
  return testing::scores(*scorer, scene);
}

TEST(LatencyScorer, PrefersLittleHeadroomUnlessToldOtherwise) {
  EXPECT_EQ(scored({room(100, 20), room(30, 5)}), (Scores{0.01, 1.01}));
  EXPECT_EQ(scored({room(100, 20), room(30, 5)}, {.strategy = "most"}), (Scores{1.01, 0.01}));
  EXPECT_EQ(scored({room(100, 20), room(60, 15), room(30, 5)}), (Scores{0.01, 0.53, 1.01}));
  EXPECT_EQ(scored({room(5, 5)}), Scores{0.51});
}

TEST(LatencyScorer, PutsThoseThatMeetTheObjectivesFirst) {
  EXPECT_EQ(scored({room(-1, 5), room(10, 5)}), (Scores{0.0, 0.51}));
}

TEST(LatencyScorer, AmongThoseThatMissPrefersSmallDeficitsAndIdleness) {
  EXPECT_EQ(scored({room(-10, -5), room(-100, -30)}), (Scores{1.01, 0.01}));
  EXPECT_EQ(scored({room(-10, -5, 3), room(-10, -5, 0)}), (Scores{0.0, 0.51}));
  EXPECT_EQ(scored({room(-10, -5), room(10, -5), room(-10, 5)}), (Scores{0.0, 0.51, 0.0}));
  EXPECT_EQ(scored({room(-10, -5), room(-10, 5)}), (Scores{0.0, 0.51}));
}

TEST(LatencyScorer, RanksAnUnknownEndpointInTheMiddle) {
  EXPECT_EQ(scored({room(100, 20), {}, room(30, 5)}), (Scores{0.01, 0.51, 1.01}));
  EXPECT_EQ(scored({room(-5, 5), {}}), (Scores{0.0, 0.51}));
}

TEST(LatencyScorer, BlendsCacheQueueAndPrefixWithoutPredictions) {
  EXPECT_EQ(composite({{0.2, 0, 0}, {0.8, 5, 0}}), (Scores{0.6, 0.07}));
  EXPECT_EQ(composite({{0.2, 0, 50}, {0.8, 5, 100}}), (Scores{0.77, 0.4}));
}

TEST(LatencyScorer, TakesTheFirstDimensionForWeightsWithoutASum) {
  const LatencyScorerParams zero{.ttft_weight = 0, .tpot_weight = 0};
  EXPECT_EQ(scored({room(10, 99), room(20, 0)}, zero), (Scores{1.01, 0.01}));
}

}  // namespace
}  // namespace pointsman
