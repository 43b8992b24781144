#include "pointsman/plugins/scorers/header_label_affinity.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::make;
using testing::Scene;

std::vector<double> scored(const std::vector<Header>& headers) {
  Scene scene({{.name = "gold", .labels = {{"tier", "gold"}}},
               {.name = "Gold", .labels = {{"tier", "Gold"}}},
               {.name = "none"}});
  scene.request.headers = headers;
  return testing::scores(
      *make<HeaderLabelAffinityScorer>({.header = "X-Tier", .label = "tier"}, scene.table), scene);
}

TEST(HeaderLabelAffinityScorer, ComparesExactly) {
  EXPECT_EQ(scored({{"x-tier", "gold"}}), (std::vector{1.0, 0.0, 0.0}));
}

TEST(HeaderLabelAffinityScorer, PrefersNobodyWithoutTheHeader) {
  EXPECT_EQ(scored({}), (std::vector{0.0, 0.0, 0.0}));
  EXPECT_EQ(scored({{"x-tier", ""}}), (std::vector{0.0, 0.0, 0.0}));
}

TEST(HeaderLabelAffinityScorer, RequiresItsParameters) {
  SignalTable table;
  const pointsman::Setup nothing({"t", "n"}, {}, table);
  EXPECT_EQ(HeaderLabelAffinityScorer::accept({}, nothing).error().message,
            "header-label-affinity-scorer requires parameters");
  EXPECT_FALSE(HeaderLabelParams::check({.header = "x"}));
  EXPECT_FALSE(HeaderLabelParams::check({.label = "x"}));
}

}  // namespace
}  // namespace pointsman
