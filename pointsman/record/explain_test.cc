#include "pointsman/record/explain.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/record/decision_json.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

// A decision over two servers with two scorers: queue x2 and prefix x3.
Decision decision_of(const std::vector<double>& queue, const std::vector<double>& prefix,
                     EndpointIndex pick) {
  Decision d;
  d.fleet = std::make_shared<const Fleet>(
      testing::fleet_of({{.name = "a", .waiting = 4}, {.name = "b", .waiting = 0}}));
  Plan plan;
  plan.profiles.push_back(
      {.name = "default",
       .filters = {},
       .scorers = {{{"queue-scorer", "queue"}, 2.0, {Reading::From::load, Load::waiting}, ""},
                   {{"prefix-cache-scorer", "prefix"},
                    3.0,
                    {.from = Reading::From::signal},
                    "cached tokens"}},
       .picker = {"max-score-picker", "picker"}});
  d.plan = std::make_shared<const Plan>(std::move(plan));
  d.at = Clock::time_point(std::chrono::hours(1)) + std::chrono::milliseconds(12);
  d.candidates = {0, 1};
  d.scores = {queue[0], queue[1], prefix[0], prefix[1]};
  d.readings = {NAN, NAN, 640, 0};
  d.totals = {2 * counted(queue[0]) + 3 * counted(prefix[0]),
              2 * counted(queue[1]) + 3 * counted(prefix[1])};
  d.picks = {pick};
  d.runs = {{.candidates = 2, .picks = 1, .ties = d.totals[0] == d.totals[1] ? 2U : 1U}};
  d.primary = 0;
  return d;
}

TEST(Explain, NamesTheScorerThatDecidedAndTheOneAgainst) {
  const auto e = explain(decision_of({0, 1}, {1, 0}, 0));
  ASSERT_TRUE(e);
  EXPECT_EQ(e->decider, 1U);
  EXPECT_TRUE(e->pivotal);
  EXPECT_DOUBLE_EQ(e->margin, 1.0);
  EXPECT_EQ(
      e->sentence,
      "prefix decided for a: 640 cached tokens against 0 cached tokens at the runner-up b (+3 "
      "of a margin of 1); queue spoke for b (-2). Without it b would win by 2.");
  ASSERT_EQ(e->voices.size(), 2U);
  EXPECT_TRUE(e->voices[0].opposed());
  EXPECT_EQ(e->voices[0].without, 0U);
  EXPECT_DOUBLE_EQ(e->voices[0].without_by, 3.0);
  EXPECT_EQ(e->voices[1].without, 1U);
  EXPECT_DOUBLE_EQ(e->voices[1].without_by, 2.0);
}

TEST(Explain, SaysThatAScorerWasNotNeeded) {
  const auto e = explain(decision_of({1, 0}, {1, 0}, 0));
  ASSERT_TRUE(e);
  EXPECT_FALSE(e->pivotal);
  EXPECT_TRUE(e->sentence.ends_with("Without it a would win all the same.")) << e->sentence;
}

TEST(Explain, TellsHowOldTheValuesWereThatMattered) {
  const auto e = explain(decision_of({0, 1}, {1, 0}, 0));
  ASSERT_TRUE(e->stalest);
  EXPECT_EQ(e->stalest->scorer, 0U);
  EXPECT_DOUBLE_EQ(e->stalest->age_ms, 12.0);
  EXPECT_FALSE(explain(decision_of({1, 1}, {1, 0}, 0))->stalest) << "the queues told nothing";
}

TEST(Explain, SaysWhenNothingToldThemApart) {
  const auto e = explain(decision_of({1, 1}, {0, 0}, 1));
  ASSERT_TRUE(e);
  EXPECT_EQ(e->decider, std::nullopt);
  EXPECT_EQ(e->sentence, "b won a tie of 2 at random; no scorer told them apart.");
}

TEST(Explain, SaysWhenThePickerPreferredAnother) {
  EXPECT_EQ(explain(decision_of({0, 1}, {0, 0}, 0))->sentence,
            "a was drawn by picker although b had the higher total.");
}

TEST(Explain, KnowsNothingOfADecisionWithoutAPick) {
  const Decision refused;
  EXPECT_EQ(explain(refused), std::nullopt);
}

TEST(Explain, ShowsSignalsWithTheirAge) {
  const Decision d = decision_of({0, 1}, {1, NAN}, 0);
  EXPECT_EQ(reading_text(d, d.runs[0], 0, 0), "4 waiting");
  EXPECT_EQ(reading_text(d, d.runs[0], 1, 0), "640 cached tokens");
  EXPECT_DOUBLE_EQ(*reading_age_ms(d, d.runs[0], 0, 0), 12.0);
  EXPECT_EQ(reading_age_ms(d, d.runs[0], 1, 0), std::nullopt);
}

TEST(DecisionJson, HoldsTheWholeMatrix) {
  Decision d = decision_of({0, 1}, {1, NAN}, 0);
  d.id = 0xABC;
  d.request_id = "req";
  d.predicted_cached_tokens = 640;
  const std::string json =
      decision_json(d, {.end = Outcome::End::finished, .status = 200, .cached_tokens = 512});
  for (const auto* part :
       {R"("id":"0000000000000abc")", R"("endpoint":"/a")", R"("raw":null)", R"("weighted":3)",
        R"("share_percent":100)", R"("signal":"4 waiting")", R"("age_ms":12)",
        R"("end":"finished")", R"("status":200)", R"("margin":)", R"("picked":["/a"])",
        R"("pivot":[{"scorer":"queue")", R"("without":"/a")", R"("stalest":{)",
        R"("cache":{"predicted_tokens":640,"observed_tokens":512})"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << " in " << json;
  }
}

}  // namespace
}  // namespace pointsman
