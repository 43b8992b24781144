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
using P = EndpointAttributeFilterParams;

P params(P::Operator op, double value) {
  P p;
  p.attribute = "temperature";
  p.algorithm = {.type = "threshold", .threshold = P::Threshold{.op = op, .value = value}};
  return p;
}

// Endpoints of temperature 5, 10 and 15, and one that does not tell.
Names filtered(const P& p, double first = 5, double second = 10, double third = 15) {
  Scene scene({{.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "silent"}});
  const std::string key = "temperature/core-metrics-extractor";
  scene.fleet.set_attribute(0, key, first, scene.now);
  scene.fleet.set_attribute(1, key, second, scene.now);
  scene.fleet.set_attribute(2, key, third, scene.now);
  return kept(*make<EndpointAttributeFilter>(p, scene.table), scene);
}

Names failing_silence(P p) {
  p.on_missing = P::OnMissing::fail;
  return filtered(p);
}

TEST(EndpointAttributeFilter, ComparesWithTheThreshold) {
  EXPECT_EQ(failing_silence(params(P::Operator::lt, 10)), (Names{"a"}));
  EXPECT_EQ(failing_silence(params(P::Operator::le, 10)), (Names{"a", "b"}));
  EXPECT_EQ(failing_silence(params(P::Operator::gt, 10)), (Names{"c"}));
  EXPECT_EQ(failing_silence(params(P::Operator::ge, 10)), (Names{"b", "c"}));
  EXPECT_EQ(failing_silence(params(P::Operator::eq, 10)), (Names{"b"}));
  EXPECT_EQ(failing_silence(params(P::Operator::ne, 10)), (Names{"a", "c"}));
}

TEST(EndpointAttributeFilter, KeepsASilentEndpointUnlessToldOtherwise) {
  EXPECT_EQ(filtered(params(P::Operator::lt, 10)), (Names{"a", "silent"}));
}

TEST(EndpointAttributeFilter, FallsBackToAllOnlyWhenAsked) {
  P p = params(P::Operator::lt, 0);
  p.on_missing = P::OnMissing::fail;
  EXPECT_EQ(filtered(p), Names{});
  p.fallback_on_empty = true;
  EXPECT_EQ(filtered(p).size(), 4U);
}

TEST(EndpointAttributeFilter, ReadsTheCoreLoadsToo) {
  Scene scene({{.name = "a", .waiting = 3}, {.name = "b", .waiting = 30}});
  P p = params(P::Operator::lt, 10);
  p.attribute = "WaitingQueueSize";
  EXPECT_EQ(kept(*make<EndpointAttributeFilter>(p, scene.table), scene), Names{"a"});
}

TEST(EndpointAttributeFilter, AppliesOnMissingWhenNobodyTellsTheAttribute) {
  Scene scene({{.name = "a"}});
  P p = params(P::Operator::lt, 10);
  EXPECT_EQ(kept(*make<EndpointAttributeFilter>(p, scene.table), scene), Names{"a"});
  p.on_missing = P::OnMissing::fail;
  EXPECT_EQ(kept(*make<EndpointAttributeFilter>(p, scene.table), scene), Names{});
}

TEST(EndpointAttributeFilterParams, ProposeHowToSplitAKey) {
  P p = params(P::Operator::lt, 10);
  p.attribute = "llm-d.ai/a/b";
  EXPECT_NE(P::check(p).error().message.find(
                "split it into attribute: \"llm-d.ai/a\" and producer: \"b\""),
            std::string::npos);
  p.producer = "";
  EXPECT_TRUE(P::check(p));
  p.algorithm.type = "linear";
  EXPECT_FALSE(P::check(p));
  p.algorithm = {.type = "threshold", .threshold = std::nullopt};
  EXPECT_FALSE(P::check(p));
}

}  // namespace
}  // namespace pointsman
