#include "pointsman/plugins/filters/utilization.h"

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
using Given = UtilizationFilterParams;

TEST(UtilizationFilter, CountsActiveRequests) {
  Scene scene({{.name = "a"}, {.name = "b"}, {.name = "c"}});
  const auto filter =
      make<UtilizationFilter>({.conditions = {{"active-requests", 2.0}}}, scene.table);
  pointsman::Setup producer({}, {}, scene.table);
  const auto load =
      producer.writes<InFlightLoad>({"InFlightLoadDataKey", "inflight-load-producer"});
  scene.begin();
  for (EndpointIndex e = 0; e < 3; ++e) scene.signals.write(load)[e] = {.requests = e + 1};
  EXPECT_EQ(kept(*filter, scene), (Names{"a", "b"}));
}

TEST(UtilizationFilter, ReadsScrapedLoads) {
  Scene cache({{.name = "a", .kv_usage = 0.5}, {.name = "b", .kv_usage = 0.9}});
  EXPECT_EQ(
      kept(*make<UtilizationFilter>({.conditions = {{"kv-cache-utilization", 0.8}}}, cache.table),
           cache),
      Names{"a"});
  Scene queue({{.name = "a", .waiting = 0, .running = 10},
               {.name = "b", .waiting = 0, .running = 41},
               {.name = "c", .waiting = 1, .running = 10}});
  const Given both{.conditions = {{"running-requests", 40.0}, {"waiting-queue", 0.0}}};
  EXPECT_EQ(kept(*make<UtilizationFilter>(both, queue.table), queue), Names{"a"});
}

TEST(UtilizationFilter, LeavesNobodyOrFallsBackToAll) {
  Scene scene({{.name = "a", .waiting = 5}, {.name = "b", .waiting = 6}});
  Given params{.conditions = {{"waiting-queue", 1.0}}};
  EXPECT_EQ(kept(*make<UtilizationFilter>(params, scene.table), scene), Names{});
  params.fallback_on_empty = true;
  EXPECT_EQ(kept(*make<UtilizationFilter>(params, scene.table), scene), (Names{"a", "b"}));
}

TEST(UtilizationFilter, KeepsAnEndpointThatWasNeverRead) {
  Scene scene({{.name = "a"}});
  EXPECT_EQ(
      kept(*make<UtilizationFilter>({.conditions = {{"waiting-queue", 0.0}}}, scene.table), scene),
      Names{"a"});
}

TEST(UtilizationFilterParams, NameTheOffendingMetric) {
  EXPECT_FALSE(Given::check({}));
  EXPECT_NE(Given::check({.conditions = {{"gpu", 1.0}}}).error().message.find("\"gpu\""),
            std::string::npos);
  EXPECT_NE(
      Given::check({.conditions = {{"waiting-queue", {}}}}).error().message.find("waiting-queue"),
      std::string::npos);
  EXPECT_FALSE(Given::check({.conditions = {{"waiting-queue", -1.0}}}));
  EXPECT_FALSE(Given::check({.conditions = {{"kv-cache-utilization", 1.5}}}));
  EXPECT_TRUE(Given::check({.conditions = {{"kv-cache-utilization", 1.0}}}));
}

}  // namespace
}  // namespace pointsman
