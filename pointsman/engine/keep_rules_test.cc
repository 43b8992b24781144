#include "pointsman/engine/keep_rules.h"

#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

constexpr std::chrono::seconds kSlow{2};

std::string why(std::string_view rules, const Decision& decision, std::string_view error = {}) {
  Random random(1);
  const auto parsed = KeepRules::parse(rules, kSlow);
  EXPECT_TRUE(parsed) << rules;
  return std::string(parsed->why(&decision, error, random));
}

// A decision between two endpoints with these totals, the first of which was picked.
Decision decided(double first, double second) {
  Decision d;
  d.candidates = {0, 1};
  d.totals = {first, second};
  d.picks = {0};
  d.runs = {{.candidates = 2, .picks = 1}};
  d.primary = 0;
  d.outcome = {.end = Outcome::End::finished, .status = 200, .ttft_ns = 1'000'000};
  return d;
}

TEST(KeepRules, KeepNothingUnlessAsked) {
  Random random(1);
  EXPECT_FALSE(KeepRules().any());
  Decision failed = decided(1, 0);
  failed.outcome.status = 503;
  EXPECT_EQ(KeepRules().why(&failed, "internal", random), "");
  EXPECT_EQ(why("slow,failed,close-call,mispredicted", decided(1, 0)), "");
}

TEST(KeepRules, FailedIsAnErrorOrAServersFault) {
  Decision d = decided(1, 0);
  EXPECT_EQ(why("failed", d, "bad_request"), "failed");
  d.outcome.status = 503;
  EXPECT_EQ(why("failed", d), "failed");
  d.outcome.status = 404;
  EXPECT_EQ(why("failed", d), "");
  d.outcome.end = Outcome::End::upstream_failed;
  EXPECT_EQ(why("failed", d), "failed");
}

TEST(KeepRules, SlowLooksAtTheFirstByteOrTheEndWithoutOne) {
  Decision d = decided(1, 0);
  d.outcome.duration_ns = 60'000'000'000;
  EXPECT_EQ(why("slow", d), "") << "a long answer is not slow";
  d.outcome.ttft_ns = -1;
  EXPECT_EQ(why("slow", d), "slow");
  d.outcome.ttft_ns = 2'500'000'000;
  EXPECT_EQ(why("slow", d), "slow");
}

TEST(KeepRules, CloseCallIsANarrowLeadAndNoTie) {
  EXPECT_EQ(why("close-call", decided(1.0, 0.99)), "close-call");
  EXPECT_EQ(why("close-call", decided(1.0, 0.9)), "");
  EXPECT_EQ(why("close-call", decided(1.0, 1.0)), "");
}

TEST(KeepRules, MispredictedNeedsAPredictionAndABigMiss) {
  Decision d = decided(1, 0);
  d.outcome.prompt_tokens = 4000;
  d.outcome.cached_tokens = 0;
  EXPECT_EQ(why("mispredicted", d), "");
  d.predicted_cached_tokens = 2000;
  EXPECT_EQ(why("mispredicted", d), "mispredicted");
  d.predicted_cached_tokens = 400;
  EXPECT_EQ(why("mispredicted", d), "");
}

TEST(KeepRules, OneOfNKeepsAboutThatMany) {
  const auto rules = KeepRules::parse("1/10", kSlow);
  Random random(3);
  const Decision d = decided(1, 0);
  int kept = 0;
  for (int i = 0; i < 10'000; ++i) kept += rules->why(&d, "", random).empty() ? 0 : 1;
  EXPECT_NEAR(kept, 1000, 150);
}

TEST(KeepRules, UnknownRulesAreNamed) {
  for (const auto* text : {"slwo", "1/0", "1/", "1/x", "2/3", "slow,,"}) {
    const auto rules = KeepRules::parse(text, kSlow);
    ASSERT_FALSE(rules) << text;
    EXPECT_TRUE(rules.error().message.starts_with("--keep: `")) << rules.error().message;
  }
}

}  // namespace
}  // namespace pointsman
