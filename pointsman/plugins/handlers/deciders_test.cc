#include "pointsman/plugins/handlers/deciders.h"

#include <array>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::make;
using testing::Scene;

struct Case {
  std::int64_t tokens;
  std::int64_t non_cached;
  std::int64_t at_least;
  PrefixMatch match;
  bool yes;
};

bool decides(const Case& c, EndpointIndex endpoint = 0) {
  Scene scene({{.name = "a"}});
  const auto decider = make<PrefixDecider>(
      {.non_cached_tokens = c.non_cached, .prompt_tokens = c.at_least, .producer = ""},
      scene.table);
  pointsman::Setup producer({}, {}, scene.table);
  const auto match =
      producer.writes<PrefixMatch>({"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"});
  const auto prompt = producer.writes_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"});
  scene.begin();
  scene.signals.write(match)[0] = c.match;
  scene.signals.write(prompt).tokens = c.tokens;
  return decider->disaggregate(scene.context(), endpoint);
}

PrefixMatch cached(std::int32_t blocks, std::int32_t size = 1) {
  return {.match = blocks, .total = 10'000, .block_tokens = size, .cached = blocks};
}

// The vectors of spec/08 section 2.6.
TEST(PrefixDecider, SaysYesWhenEnoughOfThePromptIsNotCached) {
  const std::vector<Case> cases{
      {10, 5, 0, cached(8), false},  {10, 5, 0, cached(5), true},   {10, 3, 0, cached(2), true},
      {3, 3, 0, cached(2), false},   {10, 1, 0, cached(10), false}, {10, 5, 0, cached(0), true},
      {10, 20, 0, cached(0), false}, {10, 5, 20, cached(0), false}, {10, 5, 10, cached(5), true},
      {10, 0, 0, cached(0), false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(decides(c), c.yes) << c.tokens << " tokens, N " << c.non_cached << ", P "
                                 << c.at_least << ", " << c.match.cached << " cached";
  }
}

TEST(PrefixDecider, CountsBlocksWithoutTheirTierWeight) {
  PrefixMatch match{.match = 192, .total = 256, .block_tokens = 16, .cached = 240};
  EXPECT_FALSE(decides({4096, 512, 0, match, false}));
  match.cached = 192;
  EXPECT_TRUE(decides({4096, 512, 0, match, true}));
}

TEST(PrefixDecider, SaysNoWithoutAnEndpointOrAMatch) {
  EXPECT_FALSE(decides({10, 5, 0, cached(0), false}, kNoEndpoint));
  EXPECT_FALSE(decides({10, 5, 0, {}, false}));
}

TEST(PrefixDecider, RefusesNegativeLimits) {
  const auto checked =
      PrefixDeciderParams::check({.non_cached_tokens = -1, .prompt_tokens = 0, .producer = ""});
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message,
            "failed to create prefix-based-pd-decider plugin: nonCachedTokens parameter of prefix "
            "disaggregation decider cannot be negative");
  EXPECT_FALSE(
      PrefixDeciderParams::check({.non_cached_tokens = 0, .prompt_tokens = -2, .producer = ""}));
}

TEST(MultimodalDecider, SaysYesToImagesSoundAndFilm) {
  Scene scene({{.name = "a"}});
  const auto decider = make<MultimodalDecider>({}, scene.table);
  scene.begin();
  EXPECT_FALSE(decider->disaggregate(scene.context(), 0));
  for (const auto kind : {PromptPart::Kind::text, PromptPart::Kind::image, PromptPart::Kind::audio,
                          PromptPart::Kind::video}) {
    const std::array<PromptPart, 1> parts{PromptPart{.kind = kind, .bytes = "x"}};
    const std::array<Prompt, 1> prompts{Prompt{.parts = parts}};
    scene.request.prompts = prompts;
    EXPECT_EQ(decider->disaggregate(scene.context(), kNoEndpoint), kind != PromptPart::Kind::text);
  }
}

TEST(AlwaysDisaggregateDecider, SaysYes) {
  Scene scene({{.name = "a"}});
  const auto decider = make<AlwaysDisaggregateDecider>({}, scene.table);
  scene.begin();
  EXPECT_TRUE(decider->disaggregate(scene.context(), kNoEndpoint));
}

}  // namespace
}  // namespace pointsman
