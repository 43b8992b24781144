#include "pointsman/sim/server_model.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using namespace std::chrono_literals;

constexpr ModelTime kForever = 1h;

// A prompt with blocks first, first + 1, ... that shares its prefix with every other one that
// begins with the same number.
ModelRequest request(std::uint32_t prompt, std::uint32_t output, std::uint64_t first_block = 1) {
  ModelRequest out{.blocks = std::vector<std::uint64_t>(prompt / 512),
                   .prompt_tokens = prompt,
                   .output_tokens = output};
  std::iota(out.blocks.begin(), out.blocks.end(), first_block);
  return out;
}

std::vector<TokenEvent> run(ServerModel& model, ModelTime until = kForever) {
  std::vector<TokenEvent> events;
  model.advance(until, events);
  return events;
}

ModelTime seconds(double value) {
  return std::chrono::round<ModelTime>(std::chrono::duration<double>(value));
}

TEST(ServerModel, TakesTheTimeOfTheFormulaForAPrefillStep) {
  ServerModel model({});
  ASSERT_TRUE(model.submit(request(100, 1), 0s));
  const auto events = run(model);
  ASSERT_EQ(events.size(), 1U);
  // Base, 100 tokens of prefill, each with half the prompt before it on average.
  EXPECT_EQ(events[0].at, seconds(10e-3 + 100 / 16e3 + 0.9e-9 * 100 * 50));
}

TEST(ServerModel, TakesTheTimeOfTheFormulaForADecodeStep) {
  ServerModel model({});
  ASSERT_TRUE(model.submit(request(100, 3), 0s));
  const auto events = run(model);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[1].at - events[0].at, seconds(10e-3 + 0.1e-3 + 10e-9 * 101));
  EXPECT_EQ(events[2].at - events[1].at, seconds(10e-3 + 0.1e-3 + 10e-9 * 102));
}

TEST(ServerModel, ComputesALongPromptInChunks) {
  ServerModel model({});
  ASSERT_TRUE(model.submit(request(1200, 1), 0s));
  const auto events = run(model);
  ASSERT_EQ(events.size(), 1U);
  const double expected = 3 * 10e-3 + 1200 / 16e3 + 0.9e-9 * 1200 * 600;
  EXPECT_NEAR(static_cast<double>(events[0].at.count()) / 1e9, expected, 3e-9);
}

TEST(ServerModel, GivesDecodesTheirTokensBeforePrefills) {
  ServerModel model({.chunk = 100});
  ASSERT_TRUE(model.submit(request(50, 10, 1), 0s));
  ASSERT_TRUE(model.submit(request(149, 1, 100), 0s));
  // Step 1: 50 + 50 tokens. Step 2: the decode takes 1 of 100, so all 99 left of the prefill fit.
  const auto events = run(model);
  ASSERT_GE(events.size(), 3U);
  EXPECT_EQ(events[0].request, 1U);
  EXPECT_EQ(events[1].request, 1U);
  EXPECT_EQ(events[2].request, 2U);
  EXPECT_EQ(events[2].at, events[1].at);
}

TEST(ServerModel, SplitsTheBudgetAmongPrefillsInOrderOfAdmission) {
  ServerModel model({.chunk = 100});
  ASSERT_TRUE(model.submit(request(150, 1, 1), 0s));
  ASSERT_TRUE(model.submit(request(30, 1, 100), 0s));
  ASSERT_TRUE(model.submit(request(40, 1, 200), 0s));
  const auto events = run(model);
  ASSERT_EQ(events.size(), 3U);
  // Step 1: 100 of the first. Step 2: 50 of the first, 30 and 20. Step 3: 20 of the third.
  EXPECT_EQ(events[0].at, events[1].at);
  EXPECT_EQ(events[0].admitted, 0s);
  EXPECT_EQ(events[1].admitted, events[2].admitted);
  EXPECT_GT(events[1].admitted, 0s);
  EXPECT_GT(events[2].at, events[1].at);
}

TEST(ServerModel, CountsARequestAsWaitingUntilAStepTakesIt) {
  ServerModel model({});
  ASSERT_TRUE(model.submit(request(512, 1, 1), 0s));
  ASSERT_TRUE(model.submit(request(512, 1, 10), 0s));
  EXPECT_EQ(model.load().waiting, 2U);
  run(model, 0s);
  EXPECT_EQ(model.load().waiting, 1U);
  EXPECT_EQ(model.load().running, 1U);
  run(model);
  EXPECT_EQ(model.load().waiting, 0U);
  EXPECT_EQ(model.load().running, 0U);
}

TEST(ServerModel, RunsNoMoreRequestsAtOnceThanAllowed) {
  ServerModel model({.max_running = 2});
  for (std::uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(model.submit(request(10, 5, 10 * i), 0s));
  run(model, 1ms);
  EXPECT_EQ(model.load().running, 2U);
  EXPECT_EQ(model.load().waiting, 1U);
  const auto events = run(model);
  const auto end = std::ranges::find(events, true, &TokenEvent::last);
  ASSERT_NE(end, events.end());
  EXPECT_EQ(events.back().request, 3U);
  EXPECT_EQ(events.back().admitted, end->at);
}

TEST(ServerModel, ReservesTheBlocksOfPromptAndOutputOnAdmission) {
  ServerModel model({.blocks = 4});
  ASSERT_TRUE(model.submit(request(513, 512, 1), 0s));  // 1,025 tokens: 3 blocks
  run(model, 1ms);
  EXPECT_DOUBLE_EQ(model.load().kv_usage, 0.75);
}

TEST(ServerModel, HoldsBackARequestWhoseBlocksDoNotFitAndAllBehindIt) {
  ServerModel model({.blocks = 4});
  ASSERT_TRUE(model.submit(request(100, 1400, 1), 0s));  // 3 blocks
  ASSERT_TRUE(model.submit(request(600, 10, 10), 0s));   // 2 blocks: must wait
  ASSERT_TRUE(model.submit(request(100, 10, 20), 0s));   // 1 block: would fit, but is not first
  run(model, 1ms);
  EXPECT_EQ(model.load().running, 1U);
  EXPECT_EQ(model.load().waiting, 2U);
  EXPECT_EQ(run(model).size(), 1419U + 1U);
}

TEST(ServerModel, RefusesARequestThatCanNeverFit) {
  ServerModel model({.blocks = 4});
  const auto refused = model.submit(request(2048, 1), 0s);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::bad_request);
  EXPECT_EQ(
      refused.error().message,
      "This model's maximum context length is 2048 tokens. However, you requested 2049 tokens "
      "(2048 in the prompt, 1 in the completion).");
  EXPECT_FALSE(model.submit(request(0, 1), 0s).has_value());
  EXPECT_FALSE(model.submit(request(1, 0), 0s).has_value());
}

TEST(ServerModel, SharesACachedPrefixAndComputesOnlyTheRest) {
  ServerModel model({});
  ASSERT_TRUE(model.submit(request(1024 + 100, 1), 0s));
  EXPECT_EQ(run(model).at(0).cached_tokens, 0U);
  const ModelTime start = 10s;
  ASSERT_TRUE(model.submit(request(1024 + 200, 1), start));
  const auto events = run(model);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].cached_tokens, 1024U);
  EXPECT_EQ(events[0].at - start, seconds(10e-3 + 200 / 16e3 + 0.9e-9 * 200 * (1024 + 100)));
}

TEST(ServerModel, ComputesAtLeastOneTokenOfAFullyCachedPrompt) {
  ServerModel model({});
  ASSERT_TRUE(model.submit(request(1024, 1), 0s));
  run(model);
  ASSERT_TRUE(model.submit(request(1024, 1), 10s));
  EXPECT_EQ(run(model).at(0).cached_tokens, 512U);
}

TEST(ServerModel, ShowsBlocksToOthersOnlyOnceComputed) {
  ServerModel model({});
  ASSERT_TRUE(model.submit(request(1100, 1), 0s));
  ASSERT_TRUE(model.submit(request(1100, 1), 0s));
  // The second one enters in the third step, when two blocks of the first one are computed.
  const auto events = run(model);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].cached_tokens, 1024U);

  ServerModel wide({.chunk = 4096});
  ASSERT_TRUE(wide.submit(request(1100, 1), 0s));
  ASSERT_TRUE(wide.submit(request(1100, 1), 0s));
  EXPECT_EQ(run(wide).at(1).cached_tokens, 0U);  // both enter in the same step
}

TEST(ServerModel, EvictsTheTailOfIdlePromptsWhenBlocksRunOut) {
  ServerModel model({.blocks = 5});
  ASSERT_TRUE(model.submit(request(4 * 512 + 1, 1, 1), 0s));
  run(model);
  ASSERT_TRUE(model.submit(request(2 * 512 + 1, 1, 100), 10s));  // 3 blocks: 1 free, 2 evicted
  run(model);
  ASSERT_TRUE(model.submit(request(4 * 512 + 1, 1, 1), 20s));
  EXPECT_EQ(run(model).at(0).cached_tokens, 2U * 512U);
}

TEST(ServerModel, StartsAtOnceWhenIdleAndAtTheNextStepWhenBusy) {
  ServerModel model({});
  EXPECT_EQ(model.next_event_time(), std::nullopt);
  ASSERT_TRUE(model.submit(request(10, 2, 1), 7s));
  EXPECT_EQ(model.next_event_time(), ModelTime(7s));
  run(model, 7s);
  const auto step_end = model.next_event_time();
  ASSERT_TRUE(model.submit(request(10, 1, 20), 7s + 1ms));
  const auto events = run(model);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[2].request, 2U);
  EXPECT_EQ(events[2].admitted, step_end);
}

TEST(ServerModel, LetsACancelledRequestGoAndKeepsWhatItComputed) {
  ServerModel model({.max_running = 1});
  ASSERT_TRUE(model.submit(request(1100, 100, 1), 0s));
  ASSERT_TRUE(model.submit(request(1100, 1, 1), 0s));
  ASSERT_TRUE(model.submit(request(1100, 1, 1), 0s));
  run(model, 60ms);  // in the second chunk of the first request
  model.cancel(1);
  model.cancel(2);
  model.cancel(99);
  EXPECT_EQ(model.load().waiting, 1U);
  const auto events = run(model);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].request, 3U);
  EXPECT_EQ(events[0].cached_tokens, 1024U);
  EXPECT_DOUBLE_EQ(model.load().kv_usage, 0);
}

TEST(ServerModel, LosesItsCacheOnDemand) {
  ServerModel model({});
  ASSERT_TRUE(model.submit(request(1100, 1), 0s));
  run(model);
  model.clear_cache();
  ASSERT_TRUE(model.submit(request(1100, 1), 10s));
  EXPECT_EQ(run(model).at(0).cached_tokens, 0U);
}

TEST(ServerModel, GivesTheSameEventsHoweverOftenItIsAdvanced) {
  ServerModel once({.max_running = 3, .blocks = 20});
  ServerModel often({.max_running = 3, .blocks = 20});
  for (std::uint32_t i = 0; i < 20; ++i) {
    const auto one = request(300 + 100 * (i % 7), 5 + i, 1 + 2 * (i % 3));
    ASSERT_TRUE(once.submit(one, i * 20ms));
    ASSERT_TRUE(often.submit(one, i * 20ms));
  }
  const auto expected = run(once);
  std::vector<TokenEvent> events;
  while (const auto next = often.next_event_time()) {
    often.advance(*next - 1ns, events);
    often.advance(*next, events);
  }
  ASSERT_EQ(events.size(), expected.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].request, expected[i].request);
    EXPECT_EQ(events[i].at, expected[i].at);
    EXPECT_EQ(events[i].cached_tokens, expected[i].cached_tokens);
  }
}

}  // namespace
}  // namespace pointsman
