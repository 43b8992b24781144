#include "pointsman/plugins/filters/slo_headroom_tier.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::kept;
using testing::make;
using testing::Scene;
using Names = std::vector<std::string>;

Names filtered(double epsilon, const std::vector<LatencyPrediction>& predictions) {
  std::vector<testing::Server> servers;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    servers.push_back({.name = std::string(1, static_cast<char>('a' + i))});
  }
  Scene scene(servers);
  const auto filter = make<SloHeadroomTierFilter>({.explore_negative = epsilon}, scene.table);
  pointsman::Setup producer({}, {}, scene.table);
  const auto latency = producer.writes<LatencyPrediction>(
      {"LatencyPredictionInfoDataKey", "predicted-latency-producer"});
  scene.begin();
  for (EndpointIndex e = 0; e < predictions.size(); ++e) {
    scene.signals.write(latency)[e] = predictions[e];
  }
  return kept(*filter, scene);
}

constexpr LatencyPrediction kMeets{.ttft_headroom_ms = 0, .tpot_headroom_ms = 5, .known = true};
constexpr LatencyPrediction kMisses{.ttft_headroom_ms = 9, .tpot_headroom_ms = -1, .known = true};
constexpr LatencyPrediction kUnknown{};

TEST(SloHeadroomTierFilter, KeepsThoseThatMeetTheObjective) {
  EXPECT_EQ(filtered(0, {kMeets, kMisses, kUnknown, kMeets}), (Names{"a", "d"}));
}

TEST(SloHeadroomTierFilter, ExploresTheOthers) {
  EXPECT_EQ(filtered(1, {kMeets, kMisses, kUnknown, kMeets}), (Names{"b", "c"}));
}

TEST(SloHeadroomTierFilter, KeepsTheOnlyTierThereIs) {
  EXPECT_EQ(filtered(1, {kMeets, kMeets}), (Names{"a", "b"}));
  EXPECT_EQ(filtered(0, {kMisses, kUnknown}), (Names{"a", "b"}));
  EXPECT_EQ(filtered(0, {kUnknown, kUnknown}), (Names{"a", "b"}));
  EXPECT_EQ(filtered(0, {kMisses}), Names{"a"});
}

TEST(SloHeadroomTierParams, BoundTheExploration) {
  EXPECT_EQ(SloHeadroomTierParams::check({.explore_negative = 1.5}).error().message,
            "epsilonExploreNeg must be in [0, 1], got 1.500000");
  EXPECT_FALSE(SloHeadroomTierParams::check({.explore_negative = -0.1}));
}

}  // namespace
}  // namespace pointsman
