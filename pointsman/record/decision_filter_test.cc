#include "pointsman/record/decision_filter.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

DecisionFacts some_facts() {
  DecisionFacts facts;
  facts.numbers.fill(std::numeric_limits<double>::quiet_NaN());
  facts.texts[static_cast<std::size_t>(Fact::endpoint)] = "ns/pod-7";
  facts.texts[static_cast<std::size_t>(Fact::end)] = "finished";
  facts.numbers[static_cast<std::size_t>(Fact::status)] = 503;
  facts.numbers[static_cast<std::size_t>(Fact::margin)] = 0.25;
  return facts;
}

bool matches(std::string_view text) {
  const auto filter = DecisionFilter::parse(text);
  EXPECT_TRUE(filter) << text << ": " << filter.error().message;
  return filter && filter->matches(some_facts());
}

std::string problem(std::string_view text) {
  const auto filter = DecisionFilter::parse(text);
  return filter ? "none" : filter.error().message;
}

TEST(DecisionFilter, ComparesNumbersAndTexts) {
  for (const auto* text :
       {"", "  ", "status = 503", "status==503", "status >= 500", "status>500", "status<=503",
        "margin < 0.3", "status != 200", "endpoint = ns/pod-7", "endpoint = 'ns/pod-7'",
        "endpoint ~ pod", "endpoint !~ pod-8", "end != pending", "error = ''"}) {
    EXPECT_TRUE(matches(text)) << text;
  }
  for (const auto* text : {"status = 200", "status < 500", "endpoint ~ pod-8", "end = pending",
                           "margin > 0.25", "endpoint != \"ns/pod-7\""}) {
    EXPECT_FALSE(matches(text)) << text;
  }
}

TEST(DecisionFilter, JoinsWithTheUsualPrecedence) {
  EXPECT_TRUE(matches("status = 503 or status = 1 and margin > 9"));
  EXPECT_FALSE(matches("(status = 503 or status = 1) and margin > 9"));
  EXPECT_TRUE(matches("not status = 200 and not (margin > 1)"));
  EXPECT_TRUE(matches("!(status = 200) && margin < 1 || status = 1"));
  EXPECT_TRUE(matches("not not status = 503"));
}

TEST(DecisionFilter, WhatIsNotKnownComparesFalse) {
  EXPECT_FALSE(matches("ttft_ms > 0"));
  EXPECT_FALSE(matches("ttft_ms != 5"));
  EXPECT_TRUE(matches("not ttft_ms > 0"));
}

TEST(DecisionFilter, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(problem("statsu = 200"), "there is no field `statsu` at character 1");
  EXPECT_EQ(problem("status 200"), "expected one of = != < <= > >= ~ !~ at character 8");
  EXPECT_EQ(problem("status = abc"), "`status` is a number at character 10");
  EXPECT_EQ(problem("status = 200 endpoint = x"), "expected `and` or `or` at character 14");
  EXPECT_EQ(problem("(status = 200"), "expected `)` at character 14");
  EXPECT_EQ(problem("endpoint < x"), "texts have no order at character 11");
  EXPECT_EQ(problem("status ~ 5"), "`~` is for texts, not for numbers at character 9");
  EXPECT_EQ(problem("endpoint = 'x"), "the text has no end at character 12");
  EXPECT_EQ(problem("status ="), "expected a value at character 9");
  EXPECT_EQ(problem("and"), "there is no field `and` at character 1");
}

TEST(DecisionFilter, HasLimits) {
  EXPECT_NE(problem(std::string(2000, ' ')), "none");
  std::string many = "status = 1";
  for (int i = 0; i < 70; ++i) many += " or status=1";
  EXPECT_EQ(problem(many).substr(0, 20), "too many comparisons");
  EXPECT_NE(problem(std::string(500, '(')), "none");
  EXPECT_NE(problem(std::string(900, '!') + "status=1"), "none");
}

}  // namespace
}  // namespace pointsman
