#include "pointsman/plugins/scorers/endpoint_attribute.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::make;
using testing::Scene;
using Given = EndpointAttributeScorerParams;
using Scores = std::vector<double>;

Given lower() {
  Given p;
  p.attribute = "temperature";
  p.algorithm.type = "linear_lower_is_better";
  return p;
}

// The scores for these temperatures; NaN: it does not tell.
Scores scored(const Given& params, const std::vector<double>& values) {
  std::vector<testing::Server> servers;
  for (std::size_t i = 0; i < values.size(); ++i) servers.push_back({.name = std::to_string(i)});
  Scene scene(servers);
  for (EndpointIndex e = 0; e < values.size(); ++e) {
    if (std::isnan(values[e])) continue;
    scene.fleet.set_attribute(e, "temperature/core-metrics-extractor", values[e], scene.now);
  }
  return testing::scores(*make<EndpointAttributeScorer>(params, scene.table), scene);
}

TEST(EndpointAttributeScorer, ScalesBetweenTheCandidates) {
  EXPECT_EQ(scored(lower(), {10, 5, 0}), (Scores{0, 0.5, 1}));
  EXPECT_EQ(scored(lower(), {4, 4}), (Scores{1, 1}));
  Given higher = lower();
  higher.algorithm.type = "linear_higher_is_better";
  EXPECT_EQ(scored(higher, {10, 5, 0}), (Scores{1, 0.5, 0}));
}

TEST(EndpointAttributeScorer, ScalesBetweenFixedValues) {
  Given fixed = lower();
  fixed.algorithm.normalization.fixed = Given::FixedRange{.min = 0, .max = 10};
  const Scores scores = scored(fixed, {7, 7});
  EXPECT_DOUBLE_EQ(scores[0], 0.3);
  EXPECT_EQ(scored(fixed, {15, -5}), (Scores{0, 1}));
}

TEST(EndpointAttributeScorer, ScoresNothingForWhatIsMissing) {
  EXPECT_EQ(scored(lower(), {10, kMissing, 0}), (Scores{0, 0, 1}));
  EXPECT_EQ(scored(lower(), {kMissing}), Scores{0});
}

TEST(EndpointAttributeScorer, ReadsTheCoreLoadsToo) {
  Given p = lower();
  p.attribute = "KVCacheUsagePercent";
  Scene scene({{.name = "a", .kv_usage = 0.2}, {.name = "b", .kv_usage = 0.6}});
  const auto scorer = make<EndpointAttributeScorer>(p, scene.table);
  EXPECT_EQ(testing::scores(*scorer, scene), (Scores{1, 0}));
  EXPECT_EQ(scorer->reading().from, Reading::From::load);
}

TEST(EndpointAttributeScorerParams, AllowOneNormalization) {
  EXPECT_TRUE(Given::check(lower()));
  Given both = lower();
  both.algorithm.normalization = {.fixed = Given::FixedRange{.min = 0, .max = 1},
                                  .adaptive = Given::AdaptiveRange{}};
  EXPECT_NE(Given::check(both).error().message.find("at most one normalization strategy"),
            std::string::npos);
  Given empty = lower();
  empty.algorithm.normalization.fixed = Given::FixedRange{.min = 1, .max = 1};
  EXPECT_FALSE(Given::check(empty));
  Given other = lower();
  other.algorithm.type = "threshold";
  EXPECT_FALSE(Given::check(other));
}

}  // namespace
}  // namespace pointsman
