#include "pointsman/plugins/producers/burst_prefix.h"

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using std::chrono::milliseconds;
using testing::Scene;

// Requests that arrive before one producer, each with a scene of its own.
struct Burst {
  struct Waiting {
    Scene scene{{{.name = "pod1"}, {.name = "pod2"}, {.name = "pod3"}, {.name = "pod4"}}};
    std::string text;
    PromptPart part;
    Prompt prompt;
    std::promise<void> rung;
    std::shared_ptr<Wakeup> wakeup = std::make_shared<Wakeup>([this] { rung.set_value(); });
    std::vector<EndpointIndex> candidates = scene.all();
  };

  explicit Burst(const BurstPrefixParams& params) {
    Setup setup({"burst-prefix-cache-producer", "burst"}, {}, table);
    producer = std::make_unique<BurstPrefixProducer>(params, setup);
    Setup others({}, {}, table);
    tokens = others.writes_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"});
    match = others.reads<PrefixMatch>({"PrefixCacheMatchInfoDataKey", "burst"});
  }

  // Whether the request has to wait.
  Result<bool> arrive(const std::string& text) {
    Waiting& one = *all.emplace_back(std::make_unique<Waiting>());
    one.scene.arena.reset();
    one.scene.signals.reset(one.scene.arena, table.size(), one.scene.fleet.size());
    one.text = text;
    one.part = {.kind = PromptPart::Kind::text,
                .size = static_cast<std::uint32_t>(one.text.size()),
                .bytes = one.text};
    if (!text.empty()) one.prompt.parts = std::span(&one.part, 1);
    one.scene.signals.write(tokens) = {.prompts = std::span(&one.prompt, 1), .tokens = 1000};
    return producer->prepare(one.scene.context(), one.candidates, one.scene.signals, one.wakeup);
  }
  bool rings(std::size_t i, milliseconds within = milliseconds(10'000)) {
    return all[i]->rung.get_future().wait_for(within) == std::future_status::ready;
  }
  // The endpoint that a request is to go to; empty when nothing speaks for any.
  std::string place(std::size_t i) {
    Waiting& one = *all[i];
    EXPECT_TRUE(producer->produce(one.scene.context(), one.candidates, one.scene.signals));
    const auto matches = one.scene.signals.read(match);
    for (EndpointIndex e = 0; e < matches.size(); ++e) {
      EXPECT_GT(matches[e].total, 0);
      if (matches[e].match > 0) return one.scene.fleet[e].name;
    }
    return "";
  }

  SignalTable table;
  std::unique_ptr<BurstPrefixProducer> producer;
  Cell<TokenizedPrompt> tokens;
  Column<PrefixMatch> match;
  std::vector<std::unique_ptr<Waiting>> all;
};

const std::string kLong(4000, 'x');

TEST(BurstPrefixProducer, SendsEqualPromptsOfABatchToOneEndpoint) {
  Burst burst({.window_ms = 3'000});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(burst.arrive(kLong).value(), true);
  EXPECT_EQ(burst.arrive("y" + kLong).value(), true);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_TRUE(burst.rings(i)) << i;
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(burst.place(i), "pod1");
  EXPECT_EQ(burst.place(4), "");  // nobody else asked for it
}

TEST(BurstPrefixProducer, SpreadsAGroupThatIsTooLarge) {
  Burst burst({.window_ms = 3'000, .max_per_replica = 2});
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(burst.arrive(kLong));
  std::vector<std::string> places;
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_TRUE(burst.rings(i));
    places.push_back(burst.place(i));
  }
  EXPECT_EQ(places, (std::vector<std::string>{"pod1", "pod1", "pod2", "pod2", "pod3", "pod3",
                                              "pod4", "pod4"}));
}

TEST(BurstPrefixProducer, LetsALoneRequestGoBeforeItsWindowEnds) {
  Burst burst({.window_ms = 10'000});
  EXPECT_EQ(burst.arrive(kLong).value(), true);
  EXPECT_TRUE(burst.rings(0, milliseconds(9'000)));
  EXPECT_EQ(burst.place(0), "");
}

TEST(BurstPrefixProducer, IsWaitedForLongerThanItsWindow) {
  EXPECT_EQ(Burst({.window_ms = 10'000}).producer->patience(), milliseconds(10'300));
}

TEST(BurstPrefixProducer, RefusesWhatAFullBatchCannotTake) {
  Burst burst({.window_ms = 3'000, .max_batch = 2});
  EXPECT_TRUE(burst.arrive(kLong));
  EXPECT_TRUE(burst.arrive(kLong));
  const auto third = burst.arrive(kLong);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().message, "burst prefix batch full: maxBatchSize 2 reached");
  EXPECT_TRUE(burst.rings(0));
  EXPECT_TRUE(burst.rings(1));
  EXPECT_TRUE(burst.arrive(kLong)) << "the next batch has room";
}

TEST(BurstPrefixProducer, DoesNotHoldARequestWithoutAPrompt) {
  Burst burst({});
  EXPECT_EQ(burst.arrive("").value(), false);
  EXPECT_TRUE(burst.producer->produce(burst.all[0]->scene.context(), burst.all[0]->candidates,
                                      burst.all[0]->scene.signals));
  EXPECT_TRUE(burst.all[0]->scene.signals.read(burst.match).empty());
}

TEST(BurstPrefixProducer, EndsWhileRequestsWait) {
  Burst burst({.window_ms = 10'000});
  EXPECT_TRUE(burst.arrive(kLong));
  burst.producer.reset();
}

TEST(BurstPrefixParams, AreChecked) {
  const auto refused = [](const BurstPrefixParams& params) {
    const auto checked = BurstPrefixParams::check(params);
    return checked ? "accepted" : checked.error().message;
  };
  EXPECT_EQ(refused({}), "accepted");
  EXPECT_EQ(refused({.window_ms = 0}),
            "invalid configuration: windowDurationMs must be between 1 and 10000 (current value: "
            "0)");
  EXPECT_TRUE(refused({.max_per_replica = 0}).contains("maxPerReplica"));
  EXPECT_TRUE(refused({.block_tokens = 0}).contains("blockSizeTokens"));
  EXPECT_TRUE(refused({.block_tokens = 64, .max_tokens = 63}).contains("maxPrefixTokensToMatch"));
  EXPECT_TRUE(refused({.min_colocate_blocks = -1}).contains("minColocateBlocks"));
  EXPECT_TRUE(refused({.max_batch = 0}).contains("maxBatchSize"));
  EXPECT_TRUE(refused({.balance_by = "bytes"}).contains("balanceBy"));
}

}  // namespace
}  // namespace pointsman
