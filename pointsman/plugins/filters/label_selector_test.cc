#include "pointsman/plugins/filters/label_selector.h"

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

Names matching(const LabelSelectorParams& params) {
  Scene scene({
      {.name = "nginx-1", .labels = {{"app", "nginx"}, {"version", "v1.0"}, {"tier", "frontend"}}},
      {.name = "nginx-2", .labels = {{"app", "nginx"}, {"version", "v1.1"}, {"tier", "frontend"}}},
      {.name = "coredns-1", .labels = {{"app", "coredns"}, {"tier", "system"}}},
      {.name = "redis-1",
       .labels = {{"app", "redis"}, {"tier", "backend"}, {"deprecated", "true"}}},
      {.name = "web-1",
       .labels = {{"app", "web"}, {"tier", "frontend"}, {"environment", "production"}}},
  });
  return kept(*make<LabelSelectorFilter>(params, scene.table), scene);
}

TEST(LabelSelectorFilter, MatchesLabelsExactly) {
  EXPECT_EQ(matching({.match_labels = {{"app", "nginx"}}}), (Names{"nginx-1", "nginx-2"}));
  EXPECT_EQ(matching({.match_labels = {{"app", "nonexistent"}}}), Names{});
}

TEST(LabelSelectorFilter, KeepsEverythingWithoutConditions) {
  EXPECT_EQ(matching({}).size(), 5U);
}

TEST(LabelSelectorFilter, KnowsTheFourOperators) {
  const Names not_system{"nginx-1", "nginx-2", "redis-1", "web-1"};
  EXPECT_EQ(matching({.match_expressions = {{"tier", "In", {"frontend", "backend"}}}}), not_system);
  EXPECT_EQ(matching({.match_expressions = {{"tier", "NotIn", {"system"}}}}), not_system);
  EXPECT_EQ(matching({.match_expressions = {{"deprecated", "Exists", {}}}}), Names{"redis-1"});
  EXPECT_EQ(matching({.match_expressions = {{"deprecated", "DoesNotExist", {}}}}),
            (Names{"nginx-1", "nginx-2", "coredns-1", "web-1"}));
}

TEST(LabelSelectorFilter, RequiresAllConditions) {
  EXPECT_EQ(matching({.match_labels = {{"tier", "frontend"}},
                      .match_expressions = {{"environment", "Exists", {}}}}),
            Names{"web-1"});
}

TEST(LabelSelectorParams, RefusesWhatKubernetesRefuses) {
  EXPECT_FALSE(LabelSelectorParams::check({.match_expressions = {{"a", "Like", {"x"}}}}));
  EXPECT_FALSE(LabelSelectorParams::check({.match_expressions = {{"a", "In", {}}}}));
  EXPECT_FALSE(LabelSelectorParams::check({.match_expressions = {{"a", "Exists", {"x"}}}}));
  EXPECT_FALSE(LabelSelectorParams::check({.match_expressions = {{"", "Exists", {}}}}));
  EXPECT_TRUE(LabelSelectorParams::check({.match_expressions = {{"a", "NotIn", {"x"}}}}));
}

}  // namespace
}  // namespace pointsman
