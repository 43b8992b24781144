#include "pointsman/plugins/filters/endpoint_attribute.h"

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
using Given = EndpointAttributeFilterParams;

Given params(Given::Operator op, double value) {
  Given p;
  p.attribute = "temperature";
  p.algorithm = {.type = "threshold", .threshold = Given::Threshold{.op = op, .value = value}};
  return p;
}

// Endpoints of temperature 5, 10 and 15, and one that does not tell.
Names filtered(const Given& p, double first = 5, double second = 10, double third = 15) {
  Scene scene({{.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "silent"}});
  const std::string key = "temperature/core-metrics-extractor";
  scene.fleet.set_attribute(0, key, first, scene.now);
  scene.fleet.set_attribute(1, key, second, scene.now);
  scene.fleet.set_attribute(2, key, third, scene.now);
  return kept(*make<EndpointAttributeFilter>(p, scene.table), scene);
}

Names failing_silence(Given p) {
  p.on_missing = Given::OnMissing::fail;
  return filtered(p);
}

TEST(EndpointAttributeFilter, ComparesWithTheThreshold) {
  EXPECT_EQ(failing_silence(params(Given::Operator::lt, 10)), (Names{"a"}));
  EXPECT_EQ(failing_silence(params(Given::Operator::le, 10)), (Names{"a", "b"}));
  EXPECT_EQ(failing_silence(params(Given::Operator::gt, 10)), (Names{"c"}));
  EXPECT_EQ(failing_silence(params(Given::Operator::ge, 10)), (Names{"b", "c"}));
  EXPECT_EQ(failing_silence(params(Given::Operator::eq, 10)), (Names{"b"}));
  EXPECT_EQ(failing_silence(params(Given::Operator::ne, 10)), (Names{"a", "c"}));
}

TEST(EndpointAttributeFilter, KeepsASilentEndpointUnlessToldOtherwise) {
  EXPECT_EQ(filtered(params(Given::Operator::lt, 10)), (Names{"a", "silent"}));
}

TEST(EndpointAttributeFilter, FallsBackToAllOnlyWhenAsked) {
  Given p = params(Given::Operator::lt, 0);
  p.on_missing = Given::OnMissing::fail;
  EXPECT_EQ(filtered(p), Names{});
  p.fallback_on_empty = true;
  EXPECT_EQ(filtered(p).size(), 4U);
}

TEST(EndpointAttributeFilter, ReadsTheCoreLoadsToo) {
  Scene scene({{.name = "a", .waiting = 3}, {.name = "b", .waiting = 30}});
  Given p = params(Given::Operator::lt, 10);
  p.attribute = "WaitingQueueSize";
  EXPECT_EQ(kept(*make<EndpointAttributeFilter>(p, scene.table), scene), Names{"a"});
}

TEST(EndpointAttributeFilter, AppliesOnMissingWhenNobodyTellsTheAttribute) {
  Scene scene({{.name = "a"}});
  Given p = params(Given::Operator::lt, 10);
  EXPECT_EQ(kept(*make<EndpointAttributeFilter>(p, scene.table), scene), Names{"a"});
  p.on_missing = Given::OnMissing::fail;
  EXPECT_EQ(kept(*make<EndpointAttributeFilter>(p, scene.table), scene), Names{});
}

TEST(EndpointAttributeFilterParams, ProposeHowToSplitAKey) {
  Given p = params(Given::Operator::lt, 10);
  p.attribute = "llm-d.ai/a/b";
  EXPECT_NE(Given::check(p).error().message.find(
                "split it into attribute: \"llm-d.ai/a\" and producer: \"b\""),
            std::string::npos);
  p.producer = "";
  EXPECT_TRUE(Given::check(p));
  p.algorithm.type = "linear";
  EXPECT_FALSE(Given::check(p));
  p.algorithm = {.type = "threshold", .threshold = std::nullopt};
  EXPECT_FALSE(Given::check(p));
}

}  // namespace
}  // namespace pointsman
