#include "pointsman/plugins/producers/p2p_source.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::Scene;

// An endpoint's queue and what it holds, in blocks of 16 tokens.
struct Holder {
  double waiting = 0;
  std::int32_t cached = 0;
  std::int32_t cpu = -1;
};

struct Bench {
  Scene scene{{}};
  std::shared_ptr<P2pSourceProducer> producer;
  Column<PrefixMatch> match;
  Decision decision;
  Samples samples;
  HeaderEdits headers;
  Effects effects{samples, headers};
  std::vector<Holder> holders;

  explicit Bench(std::vector<Holder> all, const P2pSourceParams& params = {})
      : holders(std::move(all)) {
    std::vector<testing::Server> servers;
    for (std::size_t i = 0; i < holders.size(); ++i) {
      servers.push_back({.name = std::to_string(i), .waiting = holders[i].waiting});
    }
    scene.fleet = testing::fleet_of(servers);
    producer = testing::make<P2pSourceProducer>(params, scene.table);
    pointsman::Setup others({}, {}, scene.table);
    match =
        others.writes<PrefixMatch>({"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"});
    auto plan = std::make_shared<Plan>();
    plan->profiles = {{.name = "decode"}, {.name = "prefill"}};
    decision.plan = plan;
  }

  // The header that a request gets whose decode (and prefill) endpoints are these.
  std::string source(std::string_view id, std::vector<EndpointIndex> picks) {
    scene.begin();
    scene.request.id = id;
    const auto column = scene.signals.write(match);
    for (std::size_t i = 0; i < holders.size(); ++i) {
      column[i] = {.match = holders[i].cached,
                   .total = 100,
                   .block_tokens = 16,
                   .cached = holders[i].cached,
                   .cached_cpu = holders[i].cpu};
    }
    EXPECT_TRUE(producer->produce(scene.context(), scene.all(), scene.signals));
    decision.runs.clear();
    decision.picks = std::move(picks);
    for (std::uint32_t i = 0; i < decision.picks.size(); ++i) {
      decision.runs.push_back(
          {.profile = static_cast<std::uint16_t>(i), .first_pick = i, .picks = 1});
    }
    decision.primary = 0;
    headers.reset(scene.arena);
    producer->dispatched(scene.context(), decision, effects);
    return headers.lines().empty() ? "" : std::string(headers.lines()[0].value);
  }
};

TEST(P2pSourceProducer, NamesTheHolderOfMore) {
  Bench bench({{.cached = 1}, {.cached = 3}});
  EXPECT_EQ(bench.source("abc", {0}), "10.0.0.2:8000");
  EXPECT_EQ(bench.source("abc", {1}), "");  // it computes itself
}

TEST(P2pSourceProducer, RemovesWhatTheClientSent) {
  Bench bench(std::vector<Holder>(2));
  EXPECT_EQ(bench.source("abc", {0}), "");
  ASSERT_EQ(bench.headers.removed().size(), 1U);
  EXPECT_EQ(bench.headers.removed()[0], "x-kv-cache-source-host-port");
}

TEST(P2pSourceProducer, WantsADifferenceWorthTheTransfer) {
  Bench bench({{.cached = 1}, {.cached = 2}}, {.min_delta = 17});
  EXPECT_EQ(bench.source("req-1", {0}), "");
  Bench enough({{.cached = 1}, {.cached = 3}}, {.min_delta = 17});
  EXPECT_EQ(enough.source("req-1", {0}), "10.0.0.2:8000");
}

TEST(P2pSourceProducer, LooksAtTheEndpointThatComputesThePrompt) {
  Bench bench({{.cached = 0}, {.cached = 3}, {.cached = 0}});
  EXPECT_EQ(bench.source("abc", {1, 2}), "10.0.0.2:8000");
  EXPECT_EQ(bench.source("abc", {2, 1}), "");
}

TEST(P2pSourceProducer, PullsFromCpuMemoryWhereTiersAreKnown) {
  Bench bench({{.cached = 10, .cpu = 0}, {.cached = 3, .cpu = 3}, {}});
  EXPECT_EQ(bench.source("abc", {2}), "10.0.0.2:8000");
  Bench only_gpu({{.cached = 10, .cpu = 0}, {}});
  EXPECT_EQ(only_gpu.source("abc", {1}), "");
  // The computing side counts all tiers.
  Bench warm({{.cached = 10, .cpu = 0}, {.cached = 3, .cpu = 3}});
  EXPECT_EQ(warm.source("abc", {0}), "");
}

TEST(P2pSourceProducer, DrawsByRequestIdAndQueue) {
  const auto draws = [](std::vector<Holder> holders, const std::string& prefix) {
    holders.push_back({});  // computes
    const auto last = static_cast<EndpointIndex>(holders.size() - 1);
    Bench bench(std::move(holders));
    std::map<std::string, int> counts;
    for (int i = 0; i < 400; ++i) ++counts[bench.source(prefix + std::to_string(i), {last})];
    return counts;
  };
  const auto equal = draws({{12, 4}, {2, 4}, {7, 4}}, "req-");
  EXPECT_EQ(equal, (std::map<std::string, int>{
                       {"10.0.0.1:8000", 35}, {"10.0.0.2:8000", 251}, {"10.0.0.3:8000", 114}}));
  const auto band = draws({{20, 4}, {0, 3}}, "band-");
  EXPECT_EQ(band, (std::map<std::string, int>{{"10.0.0.1:8000", 15}, {"10.0.0.2:8000", 385}}));
  const auto far = draws({{20, 5}, {0, 3}}, "req-");
  EXPECT_EQ(far, (std::map<std::string, int>{{"10.0.0.1:8000", 400}}));
  Bench two({{0, 4}, {0, 4}, {}});
  EXPECT_EQ(two.source("abc", {2}), "10.0.0.1:8000");
  EXPECT_EQ(two.source("req-1", {2}), "10.0.0.2:8000");
}

TEST(P2pSourceParams, NeedAPositiveDelta) {
  EXPECT_EQ(P2pSourceParams::check({.min_delta = 0}).error().message,
            "p2p-source-producer: minCachedTokenDelta must be >= 1, got 0");
}

}  // namespace
}  // namespace pointsman
