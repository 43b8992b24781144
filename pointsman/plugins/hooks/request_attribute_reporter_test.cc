#include "pointsman/plugins/hooks/request_attribute_reporter.h"

#include <string>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

AttributeReporterParams params(const std::string& expression, const std::string& condition = "") {
  return {.attributes = {
              {.key = {.name = "tokens"}, .expression = expression, .condition = condition}}};
}

// What the proxy is told, such as `envoy.lb/tokens=15`; "nothing".
std::string told(const AttributeReporterParams& params, const Answer& answer) {
  testing::Scene scene({{.name = "a"}});
  const auto reporter = testing::make<RequestAttributeReporter>(params, scene.table);
  scene.begin();
  Samples samples;
  HeaderEdits headers;
  ProxyMetadata metadata;
  Effects effects{samples, headers, &metadata};
  reporter->finished(scene.context(), Decision(), answer, effects);
  if (metadata.all().empty()) return "nothing";
  const auto& entry = metadata.all().front();
  return std::string(entry.space) + "/" + std::string(entry.key) + "=" +
         std::to_string(static_cast<int>(entry.value));
}

std::string told(const std::string& expression, const Usage& usage,
                 const std::string& condition = "") {
  return told(params(expression, condition), {.status = 200, .usage = usage, .whole = true});
}

// The vectors of spec/03 section 15.5.
TEST(RequestAttributeReporter, TellsANumber) {
  EXPECT_EQ(told("usage.prompt_tokens", {.prompt = 15}), "envoy.lb/tokens=15");
  EXPECT_EQ(told("usage.prompt_tokens / 2.0", {.prompt = 15}), "envoy.lb/tokens=7");
  EXPECT_EQ(told("3 - 5", {}), "envoy.lb/tokens=-2");
  EXPECT_EQ(told("usage.prompt_tokens", {.prompt = 0}), "nothing");
  EXPECT_EQ(told("'not a number'", {.prompt = 15}), "nothing");
  EXPECT_EQ(told("usage.non_existent_field", {.prompt = 15}), "nothing");
  EXPECT_EQ(told("1.0 / 0.0", {}), "nothing");
}

TEST(RequestAttributeReporter, TellsItOnACondition) {
  EXPECT_EQ(told("usage.prompt_tokens", {.prompt = 1, .output = 0}, "usage.completion_tokens > 0"),
            "nothing");
  EXPECT_EQ(told("usage.prompt_tokens", {.prompt = 1, .output = 2}, "usage.completion_tokens > 0"),
            "envoy.lb/tokens=1");
  EXPECT_EQ(told("usage.prompt_tokens", {.prompt = 1}, "usage.completion_tokens"), "nothing");
  EXPECT_EQ(told("usage.prompt_tokens", {.prompt = 1}, "usage.nothing > 1"), "nothing");
}

TEST(RequestAttributeReporter, TellsItWithTheEndOfAnAnswerOnly) {
  AttributeReporterParams p = params("usage.prompt_tokens");
  EXPECT_EQ(told(p, {.usage = {.prompt = 15}}), "nothing");
  p.attributes[0].key.space = "mine";
  EXPECT_EQ(told(p, {.usage = {.prompt = 15}, .whole = true}), "mine/tokens=15");
}

TEST(RequestAttributeReporter, RefusesWhatItCannotTell) {
  const auto problem = [](const AttributeReporterParams& p) {
    const auto checked = AttributeReporterParams::check(p);
    return checked ? "none" : checked.error().message;
  };
  EXPECT_EQ(problem(params("1")), "none");
  EXPECT_EQ(problem({}), "attributes must contain exactly one entry");
  AttributeReporterParams two = params("1");
  two.attributes.push_back(two.attributes[0]);
  EXPECT_EQ(problem(two), "attributes must contain exactly one entry");
  AttributeReporterParams nameless = params("1");
  nameless.attributes[0].key.name = "";
  EXPECT_EQ(problem(nameless), "attributeKey.name cannot be empty");
  EXPECT_EQ(problem(params("")), "attributes[0].expression cannot be empty");
  EXPECT_TRUE(problem(params("usage.prompt_tokens + -"))
                  .starts_with("failed to compile expression: ERROR: <input>:1:24"));
  EXPECT_TRUE(problem(params("1", "usage.prompt_tokens > "))
                  .starts_with("failed to compile condition: ERROR"));
}

}  // namespace
}  // namespace pointsman
