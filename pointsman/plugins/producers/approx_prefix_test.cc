#include "pointsman/plugins/producers/approx_prefix.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/config/yaml.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using Ids = std::vector<std::uint32_t>;

// A producer before three endpoints, and the two steps in which a pipeline uses it.
struct Bench {
  testing::Scene scene{{{.name = "pod1"}, {.name = "pod2"}, {.name = "pod3"}}};
  Cell<TokenizedPrompt> prompt;
  Column<PrefixMatch> match;
  std::shared_ptr<ApproxPrefixProducer> producer;
  Decision decision;
  Samples samples;
  HeaderEdits headers;
  Effects effects{samples, headers};
  std::vector<Ids> ids;

  explicit Bench(ApproxPrefixParams params = {.block_tokens = 1}, std::size_t floor = 1) {
    Setup setup({"approx-prefix-cache-producer", "approx-prefix-cache-producer"}, {}, scene.table);
    producer = std::make_shared<ApproxPrefixProducer>(params, setup, floor);
    Setup others({"x", "x"}, {}, scene.table);
    prompt = others.writes_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"});
    match =
        others.reads<PrefixMatch>({"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"});
    scene.request.target_model = "test-model";
    auto plan = std::make_shared<Plan>();
    plan->profiles = {{.name = "decode"}, {.name = "prefill"}, {.name = "encode"}};
    decision.plan = plan;
  }

  // "match/total" of every endpoint; "-" when there is no signal.
  std::vector<std::string> produce(std::vector<Ids> prompts) {
    ids = std::move(prompts);
    scene.begin();
    const auto list = scene.arena.array<Prompt>(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto part = scene.arena.array<PromptPart>(1);
      part[0] = {.kind = PromptPart::Kind::tokens, .tokens = ids[i]};
      list[i].parts = part;
    }
    scene.signals.write(prompt) = {.prompts = list};
    EXPECT_TRUE(producer->produce(scene.context(), scene.all(), scene.signals).has_value());
    std::vector<std::string> out;
    const auto column = scene.signals.read(match);
    for (std::size_t i = 0; i < scene.fleet.size(); ++i) {
      out.push_back(column.empty()
                        ? "-"
                        : std::to_string(column[i].match) + "/" + std::to_string(column[i].total));
    }
    return out;
  }

  // The endpoints picked by the profiles decode, prefill and encode.
  void dispatch(const std::vector<EndpointIndex>& picks) {
    decision.runs.clear();
    decision.picks = picks;
    decision.primary = 0;
    for (std::uint32_t i = 0; i < picks.size(); ++i) {
      decision.runs.push_back(
          {.profile = static_cast<std::uint16_t>(i), .first_pick = i, .picks = 1});
    }
    samples = {};
    producer->dispatched(scene.context(), decision, effects);
  }
};

using Shown = std::vector<std::string>;

TEST(ApproxPrefix, RemembersWhereTheDecodeAndPrefillTargetsGotAPrompt) {
  Bench bench;
  EXPECT_EQ(bench.produce({{1, 2}}), (Shown{"0/2", "0/2", "0/2"}));
  bench.dispatch({0, 2, 1});
  EXPECT_EQ(bench.produce({{1, 3}}), (Shown{"1/2", "0/2", "1/2"}));
}

TEST(ApproxPrefix, AddsUpThePromptsOfARequest) {
  Bench bench;
  bench.produce({{1, 2, 3}, {4, 5}});
  bench.dispatch({0});
  EXPECT_EQ(bench.produce({{1, 2, 3}, {4, 5}})[0], "5/5");
  bench.produce({{1, 2}, {3, 4}});
  bench.dispatch({1});
  EXPECT_EQ(bench.produce({{1, 2}, {5, 6}})[1], "2/4");
}

TEST(ApproxPrefix, KeepsModelsAndSaltsApart) {
  Bench bench;
  bench.produce({{1, 2}});
  bench.dispatch({0});
  bench.scene.request.cache_salt = "s";
  EXPECT_EQ(bench.produce({{1, 2}})[0], "0/2");
  bench.scene.request.cache_salt = {};
  bench.scene.request.target_model = "other";
  EXPECT_EQ(bench.produce({{1, 2}})[0], "0/2");
}

TEST(ApproxPrefix, LooksAtNoMoreThanItsLimit) {
  const auto total = [](ApproxPrefixParams params) {
    return Bench(params).produce({{1, 2, 3, 4}})[0];
  };
  EXPECT_EQ(total({.block_tokens = 1, .max_tokens = 2}), "0/2");
  EXPECT_EQ(total({.block_tokens = 1, .max_tokens = 0, .max_blocks = 3}), "0/3");
  EXPECT_EQ(total({.block_tokens = 1, .max_tokens = 0, .max_blocks = 0}), "0/4");
  EXPECT_EQ(total({.block_tokens = 3, .max_tokens = 2}), "-");
}

TEST(ApproxPrefix, TakesTheBlockSizeFromTheServers) {
  const auto blocks = [](ApproxPrefixParams params, std::vector<double> reported) {
    Bench bench(params, ApproxPrefixProducer::kMinBlockTokens);
    for (EndpointIndex e = 0; e < reported.size(); ++e) {
      bench.scene.fleet.set(e, Load::block_size, reported[e], {});
    }
    return bench.produce({Ids(192, 7)})[0];
  };
  EXPECT_EQ(blocks({}, {128, 128, 128}), "0/2");
  EXPECT_EQ(blocks({}, {16, 16, 16}), "0/3");  // 64 at least
  EXPECT_EQ(blocks({}, {kMissing, 128, kMissing}), "0/2");
  EXPECT_EQ(blocks({}, {256, 96, 128}), "0/2");  // the smallest, whoever is first
  EXPECT_EQ(blocks({.auto_tune = false}, {128, 128, 128}), "0/3");
  EXPECT_EQ(blocks({.auto_tune = false, .block_tokens = 100}, {}), "0/2");
  EXPECT_EQ(blocks({.auto_tune = false, .block_size = 100}, {}), "0/2");
  EXPECT_EQ(blocks({.auto_tune = false, .block_tokens = 190, .block_size = 100}, {}), "0/2");
}

TEST(ApproxPrefix, RemembersAsMuchAsTheServerHolds) {
  Bench bench({.block_tokens = 1, .capacity = 5});
  const auto held = [&bench](EndpointIndex e) { return bench.producer->index().size({e}); };
  bench.produce({Ids{1, 2, 3, 4, 5, 6, 7, 8}});
  bench.dispatch({0});
  EXPECT_EQ(held(0), 5U);
  std::vector<GaugeReading> gauges;
  bench.producer->gauges(Fleet(), gauges);
  ASSERT_EQ(gauges.size(), 1U);
  EXPECT_EQ(gauges[0].value, 5.0);

  // 8 blocks of 16 tokens are 2 of ours of 64.
  Bench tuned({}, 64);
  tuned.scene.fleet.set(1, Load::block_size, 16, {});
  tuned.scene.fleet.set(1, Load::num_blocks, 8, {});
  tuned.produce({Ids(640, 7)});
  tuned.dispatch({1});
  EXPECT_EQ(tuned.producer->index().size({1}), 2U);
}

TEST(ApproxPrefix, ReportsHitsOfThePrimaryTarget) {
  Bench bench;
  bench.produce({{1, 2, 3, 4}});
  bench.dispatch({0});
  bench.produce({{1, 2, 3, 5}});
  bench.dispatch({0, 1});
  const auto all = bench.samples.all();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].family, "prefix_indexer_hit_bytes");
  EXPECT_EQ(all[0].value, 12.0);
  EXPECT_EQ(all[1].family, "prefix_indexer_hit_ratio");
  EXPECT_EQ(all[1].value, 0.75);
}

TEST(ApproxPrefix, SurvivesRequestsWithoutAPromptOrATarget) {
  Bench bench;
  bench.scene.begin();
  EXPECT_TRUE(bench.producer->produce(bench.scene.context(), bench.scene.all(), bench.scene.signals)
                  .has_value());
  bench.dispatch({0});
  EXPECT_EQ(bench.produce({{}}), (Shown{"-", "-", "-"}));
  bench.produce({{1}});
  bench.decision.runs.clear();
  bench.decision.primary = -1;
  bench.producer->dispatched(bench.scene.context(), bench.decision, bench.effects);
  bench.decision.runs.push_back({.profile = 0, .picks = 0});
  bench.decision.primary = 0;
  bench.producer->dispatched(bench.scene.context(), bench.decision, bench.effects);
  EXPECT_EQ(bench.producer->index().size(), 0U);
}

TEST(ApproxPrefix, ForgetsEndpointsThatLeft) {
  Bench bench;
  bench.produce({{1, 2}});
  bench.dispatch({0});
  bench.producer->tend(bench.scene.fleet);
  EXPECT_EQ(bench.producer->index().size(), 2U);
  Bench other;
  other.produce({{1, 2}});
  other.dispatch({2});
  other.producer->tend(testing::fleet_of({{.name = "a"}, {.name = "b"}}));
  EXPECT_EQ(other.producer->index().size(), 0U);
}

TEST(ApproxPrefixParams, SayWhatIsWrong) {
  const auto error_of = [](std::string_view yaml) -> std::string {
    const auto document = read_yaml(yaml);
    const auto params = parse<ApproxPrefixParams>({"parameters", &document->root});
    return params ? "" : params.error().message;
  };
  EXPECT_EQ(error_of("{autoTune: true, blockSizeTokens: 0, lruCapacityPerServer: -1}"), "");
  EXPECT_EQ(error_of("{autoTune: false, blockSizeTokens: 0}"),
            "invalid configuration: BlockSizeTokens must be > 0 when AutoTune is disabled (current "
            "value: 0)");
  EXPECT_EQ(error_of("{maxPrefixTokensToMatch: -1}"),
            "invalid configuration: MaxPrefixTokensToMatch must be >= 0 (current value: -1)");
  EXPECT_EQ(error_of("{blockSizeToken: 5}"), R"(json: unknown field "blockSizeToken")");
}

}  // namespace
}  // namespace pointsman
