#include "pointsman/engine/request_rules.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/random.h"

namespace pointsman {
namespace {

// A resource with one rule: for `match` (empty: for all), to targets as YAML.
std::string rewrite(const std::string& name, const std::string& match, const std::string& targets,
                    const std::string& created = "2026-01-01T00:00:00Z") {
  return "---\napiVersion: llm-d.ai/v1alpha2\nkind: InferenceModelRewrite\nmetadata: {name: " +
         name + ", creationTimestamp: '" + created + "'}\nspec: {poolRef: {name: p}, rules: [{" +
         (match.empty() ? "" : "matches: [{model: {value: " + match + "}}], ") +
         "targets: " + targets + "}]}\n";
}

RequestRules rules(const std::string& text) {
  const auto read = read_resources(text);
  EXPECT_TRUE(read.has_value()) << read.error().front().text;
  return read ? RequestRules(*read) : RequestRules();
}

// Who rewrites the model to what, for one seed.
std::string to(const RequestRules& rules, std::string_view model, std::uint64_t seed = 1) {
  const auto rewrite = rules.rewrite(model, seed);
  return rewrite ? std::string(rewrite->resource) + ">" + std::string(rewrite->model) : "none";
}

std::map<std::string, int> drawn(const RequestRules& rules) {
  std::map<std::string, int> counts;
  Random seeds(7);
  for (int i = 0; i < 10'000; ++i) ++counts[std::string(rules.rewrite("m", seeds.next())->model)];
  return counts;
}

TEST(RequestRules, WithoutResourcesChangeNothing) {
  const RequestRules none;
  EXPECT_EQ(none.priority("any"), 0);
  EXPECT_EQ(none.priority(""), 0);
  EXPECT_EQ(to(none, "m"), "none");
}

TEST(RequestRules, KnowPrioritiesByName) {
  const RequestRules some = rules(
      "apiVersion: llm-d.ai/v1alpha2\nkind: InferenceObjective\nmetadata: {name: low}\n"
      "spec: {poolRef: {name: p}, priority: -3}\n---\n"
      "apiVersion: llm-d.ai/v1alpha2\nkind: InferenceObjective\nmetadata: {name: plain}\n"
      "spec: {poolRef: {name: p}}\n");
  EXPECT_EQ(some.priority("low"), -3);
  EXPECT_EQ(some.priority("plain"), 0);
  EXPECT_EQ(some.priority("food-review-1"), 0);
}

// The table of spec/02 section 14.6.
TEST(RequestRules, PreferExactThenOlderOnes) {
  const std::string old_exact =
      rewrite("old", "model1", "[{modelRewrite: v1}]", "2025-01-01T00:00:00Z");
  const std::string new_exact =
      rewrite("new", "model1", "[{modelRewrite: v2}]", "2026-01-01T00:00:00Z");
  EXPECT_EQ(to(rules(new_exact + old_exact), "model1"), "old>v1");

  const std::string generic = rewrite("any", "", "[{modelRewrite: g}]", "2024-01-01T00:00:00Z");
  EXPECT_EQ(to(rules(generic + old_exact), "model1"), "old>v1");
  EXPECT_EQ(to(rules(generic + old_exact), "model2"), "any>g");
  EXPECT_EQ(to(rules(generic + old_exact), ""), "any>g");

  const std::string newer = rewrite("newer", "", "[{modelRewrite: h}]", "2026-01-01T00:00:00Z");
  EXPECT_EQ(to(rules(newer + generic), "x"), "any>g");
  EXPECT_EQ(to(rules(old_exact), "model2"), "none");
}

TEST(RequestRules, OfOneAgeGoByNameThenInWrittenOrder) {
  EXPECT_EQ(to(rules(rewrite("b", "m", "[{modelRewrite: one}]") +
                     rewrite("a", "m", "[{modelRewrite: two}]")),
               "m"),
            "a>two");
  const std::string two =
      "apiVersion: llm-d.ai/v1alpha2\nkind: InferenceModelRewrite\nmetadata: {name: r}\n"
      "spec: {poolRef: {name: p}, rules: [{targets: [{modelRewrite: first}]}, "
      "{targets: [{modelRewrite: second}]}]}\n";
  EXPECT_EQ(to(rules(two), "m"), "r>first");
}

TEST(RequestRules, WhoseMatchesNameNoModelMatchNothing) {
  EXPECT_EQ(to(rules("apiVersion: llm-d.ai/v1alpha2\nkind: InferenceModelRewrite\n"
                     "metadata: {name: r}\nspec: {poolRef: {name: p}, rules: [{matches: [{}], "
                     "targets: [{modelRewrite: x}]}]}\n"),
               "m"),
            "none");
}

// The vectors of spec/03 section 10.2.
TEST(RequestRules, DrawByWeight) {
  EXPECT_EQ(drawn(rules(rewrite("r", "m", "[{modelRewrite: a, weight: 100}]")))["a"], 10'000);
  auto counts = drawn(
      rules(rewrite("r", "m", "[{modelRewrite: v1, weight: 70}, {modelRewrite: v2, weight: 30}]")));
  EXPECT_NEAR(counts["v1"], 7000, 200);
  EXPECT_NEAR(counts["v2"], 3000, 200);
  counts = drawn(rules(rewrite("r", "m", "[{modelRewrite: z1}, {modelRewrite: z2}]")));
  EXPECT_NEAR(counts["z1"], 5000, 200);
  counts =
      drawn(rules(rewrite("r", "m", "[{modelRewrite: none}, {modelRewrite: w, weight: 100}]")));
  EXPECT_EQ(counts["w"], 10'000);
}

TEST(RequestRules, DrawTheSameForTheSameSeed) {
  const RequestRules half = rules(rewrite("r", "", "[{modelRewrite: z1}, {modelRewrite: z2}]"));
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    EXPECT_EQ(to(half, "m", seed), to(half, "m", seed));
  }
}

TEST(RequestRules, TellTheModelsTheyName) {
  const RequestRules some = rules(rewrite("r", "m", "[{modelRewrite: a}, {modelRewrite: b}]"));
  auto models = some.models();
  std::ranges::sort(models);
  EXPECT_EQ(models, (std::vector<std::string_view>{"a", "b", "m"}));
}

}  // namespace
}  // namespace pointsman
