#include "pointsman/plugins/scorers/prefix_cache.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::make;
using testing::Scene;
using testing::scores;

const DataKey kMatch{"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"};

double score_of(PrefixMatch match, const PrefixCacheParams& params = {}) {
  Scene scene({{.name = "a"}});
  const auto scorer = make<PrefixCacheScorer>(params, scene.table);
  pointsman::Setup producer({}, {}, scene.table);
  const auto column = producer.writes<PrefixMatch>(kMatch);
  scene.begin();
  scene.signals.write(column)[0] = match;
  return scores(*scorer, scene)[0];
}

TEST(PrefixCacheScorer, ScoresTheMatchedShareOfThePrompt) {
  EXPECT_DOUBLE_EQ(score_of({.match = 5, .total = 10, .block_tokens = 1}), 0.5);
  EXPECT_DOUBLE_EQ(score_of({.match = 2, .total = 10, .block_tokens = 1}), 0.2);
}

TEST(PrefixCacheScorer, BlendsInTheAbsoluteLengthOfTheMatch) {
  const PrefixCacheParams half{.match_length_weight = 0.5, .match_length_scale_tokens = 100};
  EXPECT_DOUBLE_EQ(score_of({.match = 5, .total = 10, .block_tokens = 1}, half), 0.25125);
  EXPECT_DOUBLE_EQ(score_of({.match = 50, .total = 100, .block_tokens = 1}, half), 0.375);
}

TEST(PrefixCacheScorer, GivesNoScoreWithoutAMatchOrWithoutAProducer) {
  EXPECT_TRUE(std::isnan(score_of({.match = 0, .total = 0, .block_tokens = 1})));
  Scene scene({{.name = "a"}});
  const auto scorer = make<PrefixCacheScorer>({}, scene.table);
  scene.begin();
  EXPECT_TRUE(std::isnan(scores(*scorer, scene)[0]));
}

TEST(PrefixCacheScorer, RecordsTheMatchInTokens) {
  Scene scene({{.name = "a"}, {.name = "b"}});
  const auto scorer = make<PrefixCacheScorer>({}, scene.table);
  pointsman::Setup producer({}, {}, scene.table);
  const auto column = producer.writes<PrefixMatch>(kMatch);
  scene.begin();
  scene.signals.write(column)[1] = {.match = 3, .total = 4, .block_tokens = 64};
  std::vector<float> read(2, NAN);
  scorer->readings(scene.context(), scene.all(), read);
  EXPECT_TRUE(std::isnan(read[0]));
  EXPECT_EQ(read[1], 192.0F);
}

TEST(PrefixCacheParams, NeedsAScaleWhenTheLengthCounts) {
  EXPECT_FALSE(
      PrefixCacheParams::check({.match_length_weight = 0.5, .match_length_scale_tokens = 0}));
  EXPECT_TRUE(
      PrefixCacheParams::check({.match_length_weight = 0.0, .match_length_scale_tokens = 0}));
}

}  // namespace
}  // namespace pointsman
