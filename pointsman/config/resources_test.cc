#include "pointsman/config/resources.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

constexpr std::string_view kBoth = R"(# what a cluster would hold
apiVersion: llm-d.ai/v1alpha2
kind: InferenceObjective
metadata: {name: batch, namespace: team-a, labels: {any: thing}, uid: 1-2-3}
spec:
  priority: -10
  poolRef: {name: pool}
---
apiVersion: llm-d.ai/v1alpha2
kind: InferenceModelRewrite
metadata:
  name: canary
  creationTimestamp: "2026-01-31T12:00:00Z"
spec:
  poolRef: {group: other.example.com, kind: InferencePool, name: pool}
  rules:
  - matches:
    - model: {type: Exact, value: food-review}
    - model: {value: review}
    targets:
    - {weight: 90, modelRewrite: food-review-v1}
    - {weight: 10, modelRewrite: food-review-v2}
  - targets: [{modelRewrite: generic}]
status: {conditions: []}
)";

// All problems, one a line.
std::string problems(std::string_view text) {
  const auto read = read_resources(text);
  if (read) return "none";
  std::string out;
  for (const Diagnostic& each : read.error()) {
    out += (out.empty() ? "" : "\n") + std::to_string(each.line) + ":" +
           std::to_string(each.column) + " " + each.text;
  }
  return out;
}

std::string objective(const std::string& spec, const std::string& meta = "{name: a}") {
  return "apiVersion: llm-d.ai/v1alpha2\nkind: InferenceObjective\nmetadata: " + meta +
         "\nspec: " + spec + "\n";
}

std::string rewrite(const std::string& rules) {
  return "apiVersion: llm-d.ai/v1alpha2\nkind: InferenceModelRewrite\nmetadata: {name: r}\nspec:\n"
         "  poolRef: {name: p}\n  rules: " +
         rules + "\n";
}

TEST(Resources, AreReadFromSeveralDocuments) {
  const auto read = read_resources(kBoth);
  ASSERT_TRUE(read.has_value()) << read.error().front().text;
  ASSERT_EQ(read->objectives.size(), 1U);
  const InferenceObjective& batch = read->objectives[0];
  EXPECT_EQ(batch.meta.text(), "team-a/batch");
  EXPECT_EQ(batch.spec.priority, -10);
  EXPECT_EQ(batch.spec.pool->name, "pool");
  EXPECT_EQ(batch.spec.pool->group, "inference.networking.k8s.io");

  ASSERT_EQ(read->rewrites.size(), 1U);
  const InferenceModelRewrite& canary = read->rewrites[0];
  EXPECT_EQ(canary.spec.pool->group, "other.example.com");
  EXPECT_EQ(canary.meta.created,
            std::chrono::sys_days(std::chrono::January / 31 / 2026) + std::chrono::hours(12));
  ASSERT_EQ(canary.spec.rules.size(), 2U);
  EXPECT_EQ(canary.spec.rules[0].matches[1].model->value, "review");
  EXPECT_EQ(canary.spec.rules[0].targets[1].weight, 10);
  EXPECT_EQ(canary.spec.rules[1].targets[0].weight, std::nullopt);
  EXPECT_TRUE(canary.spec.rules[1].matches.empty());
  EXPECT_TRUE(read->warnings.empty());
}

TEST(Resources, AreReadFromListsAsKubectlPrintsThem) {
  const std::string item =
      R"({"apiVersion":"llm-d.ai/v1alpha2","kind":"InferenceObjective","metadata":{"name":"a",)"
      R"("creationTimestamp":null},"spec":{"poolRef":{"name":"p"}}})";
  for (const std::string head :
       {R"("apiVersion":"v1","kind":"List")",
        R"("apiVersion":"llm-d.ai/v1alpha2","kind":"InferenceObjectiveList")"}) {
    const auto read = read_resources(
        "{" + head + R"(,"metadata":{"resourceVersion":""},"items":[)" + item + "]}");
    ASSERT_TRUE(read.has_value()) << read.error().front().text;
    ASSERT_EQ(read->objectives.size(), 1U);
    EXPECT_EQ(read->objectives[0].spec.priority, std::nullopt);
  }
}

TEST(Resources, MayBeNone) {
  for (const char* text : {"", "# nothing\n", "---\n---\n", "~\n"}) {
    const auto read = read_resources(text);
    ASSERT_TRUE(read.has_value()) << text;
    EXPECT_TRUE(read->objectives.empty() && read->rewrites.empty()) << text;
  }
}

TEST(Resources, OfTheOldGroupAreReadWithAWarning) {
  const auto read = read_resources(
      "apiVersion: inference.networking.x-k8s.io/v1alpha2\nkind: InferenceObjective\n"
      "metadata: {name: a}\nspec: {poolRef: {name: p}}\n");
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->warnings.size(), 1U);
  EXPECT_EQ(read->warnings[0].text,
            "DEPRECATION: apiVersion inference.networking.x-k8s.io/v1alpha2 is deprecated; use "
            "llm-d.ai/v1alpha2");
}

TEST(Resources, WithSomeWeightsMissingAreReadWithAWarning) {
  const auto read =
      read_resources(rewrite("[{targets: [{weight: 1, modelRewrite: a}, {modelRewrite: b}]}]"));
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->warnings.size(), 1U);
  EXPECT_TRUE(read->warnings[0].text.contains("those without are never picked"));
}

TEST(Resources, WhoseMatchesHaveNoModelAreReadWithAWarning) {
  for (const char* match : {"{}", "{model: }", "{model: null}"}) {
    const auto read = read_resources(
        rewrite("[{matches: [" + std::string(match) + "], targets: [{modelRewrite: a}]}]"));
    ASSERT_TRUE(read.has_value()) << match;
    ASSERT_EQ(read->warnings.size(), 1U) << match;
    EXPECT_EQ(read->warnings[0].path, "spec.rules[0].matches[0]");
    EXPECT_EQ(read->warnings[0].line, 6);
    EXPECT_EQ(read->warnings[0].text,
              "InferenceModelRewrite \"r\": a match without a model matches nothing");
  }
}

TEST(Resources, RefuseOtherKinds) {
  EXPECT_EQ(problems("apiVersion: llm-d.ai/v1alpha2\nkind: InferencePool\n"),
            R"(2:7 no kind "InferencePool" is registered for version "llm-d.ai/v1alpha2")");
  EXPECT_EQ(problems("kind: InferenceObjective\napiVersion: llm-d.ai/v1\n"),
            R"(2:13 no kind "InferenceObjective" is registered for version "llm-d.ai/v1")");
  EXPECT_EQ(problems("- a\n"), "1:1 an object is expected, not array");
  EXPECT_EQ(problems("apiVersion: 1\nkind: []\n"),
            "2:7 kind: must be a string, not array\n"
            "1:13 apiVersion: must be a string, not number");
}

TEST(Resources, RefuseWrongTypesAndUnknownFields) {
  EXPECT_EQ(problems(objective("{poolRef: {name: p}, priority: high, prio: 1}")),
            "4:38 json: cannot unmarshal string into Go struct field InferenceObjective."
            "spec.priority of type int\n"
            "4:44 unknown field \"spec.prio\"");
  EXPECT_EQ(problems(objective("{poolRef: {name: p}, priority: 3000000000}")),
            "4:38 json: cannot unmarshal number 3000000000 into Go struct field "
            "InferenceObjective.spec.priority of type int");
}

TEST(Resources, RefuseObjectsWithoutNameOrPool) {
  EXPECT_EQ(problems(objective("{priority: 1}")), "4:7 spec.poolRef: Required value");
  EXPECT_EQ(problems(objective("{poolRef: {}}")), "4:17 spec.poolRef.name: Required value");
  EXPECT_EQ(problems(objective("{poolRef: {name: p}}", "{}")),
            "3:11 metadata.name: Required value: name or generateName is required");
  EXPECT_EQ(problems("apiVersion: llm-d.ai/v1alpha2\nkind: InferenceObjective\n"),
            "1:1 metadata.name: Required value: name or generateName is required\n"
            "1:1 spec.poolRef: Required value");
}

TEST(Resources, RefuseANameThatStandsTwice) {
  const std::string one = objective("{poolRef: {name: p}}");
  EXPECT_EQ(problems(one + "---\n" + one),
            "8:11 metadata.name: InferenceObjective \"a\" stands here twice");
  EXPECT_EQ(problems(one + "---\n" + objective("{poolRef: {name: p}}", "{name: a, namespace: b}")),
            "none");
}

TEST(Resources, RefuseRewritesWithoutRules) {
  EXPECT_EQ(problems(rewrite("null")), "6:10 spec.rules: Required value");
  EXPECT_EQ(problems("apiVersion: llm-d.ai/v1alpha2\nkind: InferenceModelRewrite\n"
                     "metadata: {name: r}\nspec: {poolRef: {name: p}}\n"),
            "4:7 spec.rules: Required value");
  EXPECT_EQ(problems(rewrite("[]")), "none");
}

TEST(Resources, RefuseRulesThatTheClusterWouldRefuse) {
  EXPECT_EQ(problems(rewrite("[{targets: []}]")),
            "6:11 spec.rules[0].targets: must have at least "
            "1 item");
  EXPECT_EQ(problems(rewrite("[{targets: [{weight: 1}]}]")),
            "6:22 spec.rules[0].targets[0].modelRewrite: Required value");
  EXPECT_EQ(problems(rewrite("[{targets: [{modelRewrite: a, weight: 0}]}]")),
            "6:48 spec.rules[0].targets[0].weight: must be between 1 and 1000000");
  EXPECT_EQ(problems(rewrite("[{matches: [{model: {type: Prefix, value: a}}], targets: "
                             "[{modelRewrite: a}]}]")),
            "6:37 spec.rules[0].matches[0].model.type: must be one of \"Exact\", got \"Prefix\"");
  EXPECT_EQ(problems(rewrite("[{matches: [{model: {value: ''}}], targets: [{modelRewrite: a}]}]")),
            "6:30 spec.rules[0].matches[0].model.value: must not be empty");
}

TEST(Resources, RefuseTimesThatAreNone) {
  const auto with = [](const std::string& time) {
    return problems(
        objective("{poolRef: {name: p}}", "{name: a, creationTimestamp: '" + time + "'}"));
  };
  for (const char* good : {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123456Z",
                           "2026-01-31T12:00:00+05:30", "2024-02-29T00:00:00-00:00"}) {
    EXPECT_EQ(with(good), "none") << good;
  }
  for (const char* bad :
       {"yesterday", "2026-02-29T00:00:00Z", "2026-01-31 12:00:00Z", "2026-01-31T12:00:00",
        "2026-01-31T25:00:00Z", "2026-01-31T12:00:00.Z", "-1-1-1-1", "2026-01-31T-0:00:00Z",
        "2026-01-31T12:00:-0Z", "2026-01-31T12:00:00+-1:00", "2026-01-31T12:00:00+24:00",
        "2026-01-31T12:00:00-05:60"}) {
    EXPECT_TRUE(with(bad).contains("is no time such as")) << bad;
  }
}

TEST(Resources, SayWhereTheYamlIsBroken) {
  EXPECT_TRUE(problems("a: 1\n---\nb: [1\n").contains("yaml: line"));
  EXPECT_TRUE(problems(std::string(Resources::kMaxBytes + 1, ' ')).contains("larger than"));
}

}  // namespace
}  // namespace pointsman
