#include "pointsman/plugins/producers/inflight_load.h"

#include <array>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/testing/allocations.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::Scene;

// A producer before two endpoints, and the moments of one request.
struct Bench {
  Scene scene{{{.name = "a"}, {.name = "b"}}};
  std::shared_ptr<InflightLoadProducer> producer;
  Cell<TokenizedPrompt> prompt;
  Column<PrefixMatch> match;
  Column<InFlightLoad> load;
  Column<UncachedTokens> uncached;
  Decision decision;
  Samples samples;
  HeaderEdits headers;
  Effects effects{samples, headers};

  explicit Bench(const InflightLoadParams& params = {}) {
    producer = testing::make<InflightLoadProducer>(params, scene.table);
    pointsman::Setup others({}, {}, scene.table);
    prompt = others.writes_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"});
    match =
        others.writes<PrefixMatch>({"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"});
    load = others.reads<InFlightLoad>({"InFlightLoadDataKey", "inflight-load-producer"});
    uncached =
        others.reads<UncachedTokens>({"UncachedRequestTokensDataKey", "inflight-load-producer"});
    auto plan = std::make_shared<Plan>();
    plan->profiles = {{.name = "decode"}, {.name = "prefill"}};
    decision.plan = plan;
  }

  void begin(std::int64_t tokens, std::vector<PrefixMatch> matches = {}) {
    scene.begin();
    scene.signals.write(prompt) = {.tokens = tokens};
    if (!matches.empty()) std::ranges::copy(matches, scene.signals.write(match).begin());
    EXPECT_TRUE(producer->produce(scene.context(), scene.all(), scene.signals));
  }
  std::int64_t cost(EndpointIndex e) { return scene.signals.read(uncached)[e].tokens; }
  // Sends the request: the pick of profile i is picks[i].
  void dispatch(const std::vector<EndpointIndex>& picks) {
    decision.runs.clear();
    decision.picks = picks;
    for (std::uint32_t i = 0; i < picks.size(); ++i) {
      decision.runs.push_back(
          {.profile = static_cast<std::uint16_t>(i), .first_pick = i, .picks = 1});
    }
    decision.primary = 0;
    producer->dispatched(scene.context(), decision, effects);
  }
  void first_bytes() { producer->first_bytes(scene.context(), decision, {}, effects); }
  void finish() { producer->finished(scene.context(), decision, {}, effects); }

  // "requests/tokens" of an endpoint as the next request sees it.
  std::string seen(EndpointIndex e) {
    Arena arena;
    Signals signals;
    signals.reset(arena, scene.table.size(), scene.fleet.size());
    EXPECT_TRUE(producer->produce(scene.context(), scene.all(), signals));
    const InFlightLoad& l = signals.read(load)[e];
    return std::to_string(l.requests) + "/" + std::to_string(l.tokens);
  }
};

TEST(InflightLoadProducer, ExpectsOutputInProportionToThePrompt) {
  const Bench bench;
  const auto cost = [&](std::int64_t input, std::optional<std::int64_t> limit = {}) {
    return input + bench.producer->expected_output(input, limit);
  };
  EXPECT_EQ(cost(4), 10);
  EXPECT_EQ(cost(1), 3);
  EXPECT_EQ(cost(10), 25);
  EXPECT_EQ(cost(10, 3), 13);
  EXPECT_EQ(bench.producer->expected_output(100, 50), 50);
  EXPECT_EQ(bench.producer->expected_output(100, 500), 150);
  EXPECT_EQ(bench.producer->expected_output(100, 0), 0);
  EXPECT_EQ(bench.producer->expected_output(100, -10), 150);
  EXPECT_EQ(bench.producer->expected_output(0, {}), 0);
  EXPECT_EQ(Bench({.max_output = 40}).producer->expected_output(100, {}), 40);
  EXPECT_EQ(Bench({.max_output = 30}).producer->expected_output(100, 80), 30);
}

TEST(InflightLoadProducer, ChargesWhatAnEndpointDoesNotHold) {
  Bench bench({.add_output = true});
  bench.begin(8, {{.match = 1, .total = 2, .block_tokens = 4, .cached = 1}, {}});
  EXPECT_EQ(bench.cost(0), 4 + 12);
  EXPECT_EQ(bench.cost(1), 20);
}

TEST(InflightLoadProducer, ChargesAPartialBlockByItsRealSize) {
  Bench bench;
  bench.begin(5, {{.match = 1, .total = 2, .block_tokens = 4, .cached = 1},
                  {.match = 0, .total = 2, .block_tokens = 4, .cached = 0}});
  EXPECT_EQ(bench.cost(0), 1);
  EXPECT_EQ(bench.cost(1), 5);
}

TEST(InflightLoadProducer, TokensLeaveWithTheFirstBytesAndTheRequestAtTheEnd) {
  Bench bench;
  bench.begin(100);
  bench.dispatch({0});
  EXPECT_EQ(bench.seen(0), "1/100");
  EXPECT_EQ(bench.seen(1), "0/0");
  bench.first_bytes();
  EXPECT_EQ(bench.seen(0), "1/0");
  bench.finish();
  EXPECT_EQ(bench.seen(0), "0/0");
  double requests = 0;
  double tokens = 0;
  for (const Samples::Sample& s : bench.samples.all()) {
    (s.family == "inflight_requests" ? requests : tokens) += s.value;
  }
  EXPECT_EQ(requests, 0.0);
  EXPECT_EQ(tokens, 0.0);
}

TEST(InflightLoadProducer, KeepsTokensToTheEndWhenOutputCounts) {
  Bench bench({.add_output = true});
  bench.begin(10);
  bench.dispatch({0, 1});
  EXPECT_EQ(bench.seen(1), "1/25");
  bench.first_bytes();
  EXPECT_EQ(bench.seen(0), "1/25");
  EXPECT_EQ(bench.seen(1), "0/0");  // the prefill endpoint has done its part
  bench.finish();
  EXPECT_EQ(bench.seen(0), "0/0");
}

TEST(InflightLoadProducer, CountsOneEndpointTwiceWhenItServesBothStages) {
  Bench bench;
  bench.begin(10);
  bench.dispatch({1, 1});
  EXPECT_EQ(bench.seen(1), "2/20");
  bench.finish();
  EXPECT_EQ(bench.seen(1), "0/0");
}

TEST(InflightLoadProducer, AllocatesNothingOnceWarm) {
  Bench bench({.add_output = true});
  const auto request = [&] {
    bench.scene.begin();
    bench.scene.signals.write(bench.prompt) = {.tokens = 100};
    const Context context = bench.scene.context();
    bench.samples = {};
    (void)bench.producer->produce(context, std::array<EndpointIndex, 2>{0, 1}, bench.scene.signals);
    bench.producer->dispatched(context, bench.decision, bench.effects);
    bench.producer->first_bytes(context, bench.decision, {}, bench.effects);
    bench.producer->finished(context, bench.decision, {}, bench.effects);
  };
  bench.begin(100);
  bench.dispatch({0, 1});
  bench.finish();
  request();
  const auto before = testing::allocations();
  request();
  EXPECT_EQ(testing::allocations(), before);
}

TEST(InflightLoadParams, AreNotNegative) {
  EXPECT_EQ(InflightLoadParams::check({.output_ratio = -1}).error().message,
            "outputRatio must be non-negative, got -1.000000");
  EXPECT_FALSE(InflightLoadParams::check({.max_output = -1}));
}

TEST(InflightTable, ForgetsThePredecessorOfASlot) {
  InflightTable table;
  const EndpointKey old{7};
  const EndpointKey fresh{7 + (1U << 16U)};
  table.add(old, 2, 50);
  table.add(fresh, 1, 10);
  EXPECT_EQ(table.read(old).requests, 0);
  EXPECT_EQ(table.read(fresh).requests, 1);
  table.add(old, -2, -50);  // its requests end late
  EXPECT_EQ(table.read(fresh).requests, 1);
  EXPECT_EQ(table.read(fresh).tokens, 10);
  table.add(old, 1, 1);  // a worker that still has the old fleet
  EXPECT_EQ(table.read(fresh).requests, 1);
}

TEST(InflightTable, NeverFallsBelowZero) {
  InflightTable table;
  table.add({3}, 1, 5);
  table.add({3}, -2, -50);
  EXPECT_EQ(table.read({3}).requests, 0);
  EXPECT_EQ(table.read({3}).tokens, 0);
}

TEST(InflightTable, LosesNothingBetweenThreads) {
  InflightTable table;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&table] {
      for (std::uint32_t i = 0; i < 20'000; ++i) {
        table.add({i % 200}, 1, 3);
        if (i % 2 == 0) table.add({i % 200}, -1, -3);
      }
    });
  }
  threads.clear();
  std::int64_t requests = 0;
  for (std::uint32_t e = 0; e < 200; ++e) requests += table.read({e}).requests;
  EXPECT_EQ(requests, 40'000);
}

}  // namespace
}  // namespace pointsman
