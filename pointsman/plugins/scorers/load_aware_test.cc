#include "pointsman/plugins/scorers/load_aware.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

double score_of(double waiting, LoadAwareParams params) {
  testing::Scene scene({{.name = "a", .waiting = waiting}});
  return testing::scores(*testing::make<LoadAwareScorer>(params, scene.table), scene)[0];
}

TEST(LoadAwareScorer, FallsFromAHalfToNothingAtTheThreshold) {
  EXPECT_EQ(score_of(2, {.threshold = 10}), 0.4);
  EXPECT_EQ(score_of(0, {.threshold = 10}), 0.5);
  EXPECT_EQ(score_of(15, {.threshold = 10}), 0.0);
  EXPECT_EQ(score_of(1, {}), 0.49609375);
  EXPECT_EQ(score_of(64, {}), 0.25);
  EXPECT_EQ(score_of(127, {}), 0.00390625);
}

TEST(LoadAwareScorer, TakesTheDefaultForAThresholdBelowOne) {
  EXPECT_EQ(score_of(64, {.threshold = 0}), 0.25);
  EXPECT_EQ(score_of(64, {.threshold = -5}), 0.25);
}

TEST(LoadAwareScorer, GivesNoScoreToAnEndpointThatWasNeverRead) {
  EXPECT_TRUE(std::isnan(score_of(kMissing, {})));
}

}  // namespace
}  // namespace pointsman
