#include "pointsman/plugins/filters/prefix_cache_affinity.h"

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
using Given = PrefixCacheAffinityParams;

// An endpoint's cached share in percent, and its predicted TTFT or its tokens in flight.
struct Case {
  std::int32_t percent;
  double cost;
};

Names filtered(const Given& params, const std::vector<Case>& cases) {
  EXPECT_TRUE(Given::check(params));
  std::vector<testing::Server> servers;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    servers.push_back({.name = std::string(1, static_cast<char>('a' + i))});
  }
  Scene scene(servers);
  const auto filter = make<PrefixCacheAffinityFilter>(params, scene.table);
  pointsman::Setup producer({}, {}, scene.table);
  const auto match =
      producer.writes<PrefixMatch>({"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"});
  const auto latency = producer.writes<LatencyPrediction>(
      {"LatencyPredictionInfoDataKey", "predicted-latency-producer"});
  const auto load =
      producer.writes<InFlightLoad>({"InFlightLoadDataKey", "inflight-load-producer"});
  scene.begin();
  for (EndpointIndex e = 0; e < cases.size(); ++e) {
    scene.signals.write(match)[e] = {.match = cases[e].percent, .total = 100, .block_tokens = 1};
    scene.signals.write(latency)[e] = {.ttft_ms = cases[e].cost, .known = true};
    scene.signals.write(load)[e] = {.tokens = static_cast<std::int64_t>(cases[e].cost)};
  }
  return kept(*filter, scene);
}

Given predictor(double penalty) {
  return {.max_penalty_ms = penalty, .ttft_source = "latencyPredictor"};
}
Given throughput(double penalty) {
  return {.max_penalty_ms = penalty, .peak_throughput = 1000};
}

TEST(PrefixCacheAffinityFilter, KeepsTheWarmUnlessTheyAreTooSlow) {
  EXPECT_EQ(filtered(predictor(5000), {{90, 100}, {85, 120}, {10, 50}}), (Names{"a", "b"}));
  EXPECT_EQ(filtered(predictor(100), {{90, 500}, {10, 50}}), (Names{"a", "b"}));
}

TEST(PrefixCacheAffinityFilter, TurnsTokensInFlightIntoTime) {
  EXPECT_EQ(filtered(throughput(100), {{90, 500}, {10, 50}}), (Names{"a", "b"}));
  EXPECT_EQ(filtered(throughput(1000), {{90, 500}, {10, 50}}), Names{"a"});
  EXPECT_EQ(filtered(throughput(0), {{90, 5000}, {10, 50}}), Names{"a"});
}

TEST(PrefixCacheAffinityFilter, KeepsAllWhenNobodyIsWarmOrWhenItExplores) {
  EXPECT_EQ(filtered(throughput(0), {{79, 0}, {10, 0}}), (Names{"a", "b"}));
  Given exploring = throughput(0);
  exploring.exploration = 1.0;
  EXPECT_EQ(filtered(exploring, {{90, 0}, {10, 0}}), (Names{"a", "b"}));
  Given off = throughput(0);
  off.threshold = 0.0;
  EXPECT_EQ(filtered(off, {{90, 0}, {10, 0}}), (Names{"a", "b"}));
}

TEST(PrefixCacheAffinityFilter, ExploresByTheRecordedSeed) {
  Scene scene({{.name = "a"}, {.name = "b"}});
  const auto filter =
      make<PrefixCacheAffinityFilter>({.exploration = 0.5, .max_penalty_ms = 0}, scene.table);
  pointsman::Setup producer({}, {}, scene.table);
  const auto match =
      producer.writes<PrefixMatch>({"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"});
  scene.begin();
  scene.signals.write(match)[0] = {.match = 9, .total = 10};
  const auto left = [&](std::uint64_t seed) {
    auto all = scene.all();
    std::vector<Drop> drops;
    Candidates candidates(all, drops, seed);
    candidates.set_filter(0);
    filter->filter(scene.context(), candidates);
    return candidates.size();
  };
  std::size_t explored = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    EXPECT_EQ(left(seed), left(seed));
    explored += left(seed) == 2 ? 1U : 0U;
  }
  EXPECT_NEAR(static_cast<double>(explored), 500.0, 80.0);
}

TEST(PrefixCacheAffinityParams, AreBounded) {
  EXPECT_TRUE(Given::check({.threshold = -1}));
  EXPECT_FALSE(Given::check({.threshold = 1.1}));
  EXPECT_FALSE(Given::check({.exploration = 1.1}));
  EXPECT_FALSE(Given::check({.max_penalty_ms = -1}));
  EXPECT_FALSE(Given::check({.ttft_source = ""}));
  EXPECT_FALSE(Given::check({.peak_throughput = 0}));
  EXPECT_TRUE(Given::check({.max_penalty_ms = 0, .peak_throughput = 0}));
  EXPECT_TRUE(Given::check({.ttft_source = "latencyPredictor", .peak_throughput = 0}));
}

TEST(PrefixCacheAffinityFilter, RequiresTheSourceOfItsGateOnly) {
  SignalTable table;
  const auto declared = [&](const Given& params) {
    pointsman::Setup setup({"t", "n"}, {}, table);
    const PrefixCacheAffinityFilter filter(params, setup);
    std::vector<std::string> keys;
    for (const Declaration& d : setup.take_declarations()) keys.push_back(d.key.text());
    return keys;
  };
  const std::string match = "PrefixCacheMatchInfoDataKey/approx-prefix-cache-producer";
  EXPECT_EQ(declared({}), (Names{match, "InFlightLoadDataKey/inflight-load-producer"}));
  EXPECT_EQ(declared(predictor(1)),
            (Names{match, "LatencyPredictionInfoDataKey/predicted-latency-producer"}));
  EXPECT_EQ(declared(predictor(0)), Names{match});
}

}  // namespace
}  // namespace pointsman
