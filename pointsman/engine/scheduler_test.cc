#include "pointsman/engine/scheduler.h"

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/engine/testing/fakes.h"
#include "pointsman/engine/testing/profile_rig.h"

namespace pointsman {
namespace {

using testing::FakeScorer;
using testing::ProfileRig;
using Stage = ProfileState::Stage;

// A handler that runs everything once and takes the first profile, with hooks for tests.
struct FakeHandler final : ProfileHandler {
  bool endless = false;
  Result<std::size_t> answer = 0;

  void choose(const Context& /*context*/, std::span<ProfileState> profiles,
              std::span<bool> run) const override {
    for (std::size_t p = 0; p < run.size(); ++p) {
      run[p] = endless || profiles[p].stage == Stage::not_run;
    }
  }
  Result<std::size_t> conclude(const Context& /*context*/,
                               std::span<const ProfileState> profiles) const override {
    if (!answer) return answer;
    if (profiles[*answer].stage != Stage::ran) {
      return fail(Code::internal,
                  "failed to run scheduler profile '" + std::string(profiles[*answer].name) + "'");
    }
    return answer;
  }
};

struct SchedulerRig {
  ProfileRig parts;
  std::shared_ptr<FakeHandler> handler = std::make_shared<FakeHandler>();

  explicit SchedulerRig(std::size_t endpoints) : parts(endpoints) {}

  Scheduler scheduler() {
    const TypedName name{"fake-handler", "h"};
    std::vector<Profile> profiles;
    profiles.push_back(parts.profile());
    return {{name, handler, plugin_timer(parts.metrics, "ProfilePicker", name),
             plugin_timer(parts.metrics, "ProcessProfilesResults", name)},
            std::move(profiles)};
  }
  Result<void> schedule() { return schedule(parts.scene.all()); }
  Result<void> schedule(std::vector<EndpointIndex> candidates) {
    parts.scene.begin();
    const Context context{parts.request, parts.scene.fleet, parts.scene.signals, parts.trace,
                          parts.scene.now};
    return scheduler().schedule(context, candidates, parts.decision, parts.shard);
  }
  Decision& decision() { return parts.decision; }
};

TEST(Scheduler, AddsClampedScoresTimesWeights) {
  SchedulerRig rig(2);
  rig.parts.set_weight(0, 60);
  rig.parts.scorers[0]->values = {0.3, 1.0};
  rig.parts.add_scorer("b", "b", 40)->values = {0.8, 0.0};
  ASSERT_TRUE(rig.schedule());
  EXPECT_DOUBLE_EQ(rig.decision().totals[0], 50.0);
  EXPECT_DOUBLE_EQ(rig.decision().totals[1], 60.0);
}

TEST(Scheduler, V3_ClampsScoresToTheUnitRange) {
  SchedulerRig rig(1);
  rig.parts.scorers[0]->values = {-0.5};
  rig.parts.add_scorer("b", "b", 1)->values = {0.4};
  rig.parts.add_scorer("c", "c", 1)->values = {1.5};
  ASSERT_TRUE(rig.schedule());
  EXPECT_DOUBLE_EQ(rig.decision().totals[0], 1.4);
}

TEST(Scheduler, CountsNanAndMissingScoresAsNothing) {
  SchedulerRig rig(2);
  rig.parts.scorers[0]->values = {std::numeric_limits<double>::quiet_NaN()};
  rig.parts.add_scorer("b", "b", 1)->values = {0.25, 0.5};
  ASSERT_TRUE(rig.schedule());
  EXPECT_EQ(rig.decision().totals, (std::vector{0.25, 0.5}));
}

TEST(Scheduler, AllowsZeroAndNegativeWeights) {
  SchedulerRig rig(1);
  rig.parts.set_weight(0, -2.0);
  rig.parts.scorers[0]->values = {0.5};
  rig.parts.add_scorer("b", "b", 0.0)->values = {1.0};
  ASSERT_TRUE(rig.schedule());
  EXPECT_EQ(rig.decision().totals, std::vector{-1.0});
  EXPECT_EQ(rig.parts.scorers[1]->calls, 1);
}

TEST(Scheduler, ShowsScorersOnlyWhatTheFiltersLeft) {
  SchedulerRig rig(3);
  rig.parts.add_filter()->keep = [](EndpointIndex e) { return e != 1; };
  ASSERT_TRUE(rig.schedule());
  EXPECT_EQ(rig.parts.scorers[0]->seen, (std::vector<EndpointIndex>{0, 2}));
  ASSERT_EQ(rig.decision().drops.size(), 1U);
  EXPECT_EQ(rig.decision().drops[0].endpoint, 1U);
  EXPECT_EQ(rig.decision().drops[0].filter, 0);
  EXPECT_EQ(rig.decision().drops[0].reason, DropReason::other);
}

TEST(Scheduler, RecordsTheWholeMatrix) {
  SchedulerRig rig(3);
  rig.parts.scorers[0]->values = {0.1, 0.9, 0.9};
  rig.parts.add_scorer("b", "b", 2)->values = {0.5, 0.25, 0.25};
  rig.parts.use_max_score_picker();
  ASSERT_TRUE(rig.schedule());
  const Decision& d = rig.decision();
  ASSERT_EQ(d.runs.size(), 1U);
  const ProfileRun& run = d.runs[0];
  EXPECT_EQ(std::vector(d.scores_of(run, 1).begin(), d.scores_of(run, 1).end()),
            (std::vector{0.5, 0.25, 0.25}));
  EXPECT_EQ(run.ties, 2U);
  EXPECT_EQ(d.primary, 0);
  ASSERT_EQ(d.targets().size(), 1U);
  EXPECT_NE(d.targets()[0], 0U);
  EXPECT_EQ(d.plan->profiles[0].scorers[1].name.name, "b");
  EXPECT_LE(run.filtered, run.scored);
  EXPECT_LE(run.scored, run.picked);
}

TEST(Scheduler, V4_ReportsADrainedProfileAsSaturated) {
  SchedulerRig rig(3);
  rig.parts.add_filter()->keep = [](EndpointIndex) { return false; };
  const auto result = rig.schedule();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::resource_exhausted);
  EXPECT_EQ(result.error().message, "no endpoints available for the given request");
  EXPECT_EQ(result.error().drop_reason, "rejected-saturated");
  EXPECT_EQ(rig.decision().error,
            "failed to run scheduler profile 'default'\n"
            "profile \"default\": inference error: ResourceExhausted - no endpoints available for "
            "the given request");
  EXPECT_TRUE(rig.decision().targets().empty());
  ASSERT_EQ(rig.parts.trace.buffer()->spans().size(), 2U);
}

TEST(Scheduler, TreatsNoCandidatesAsDrained) {
  SchedulerRig rig(3);
  const auto result = rig.schedule({});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().drop_reason, "rejected-saturated");
}

TEST(Scheduler, StopsAHandlerThatNeverEnds) {
  SchedulerRig rig(2);
  rig.handler->endless = true;
  const auto result = rig.schedule();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::internal);
  EXPECT_NE(result.error().message.find("'h'"), std::string::npos);
}

TEST(Scheduler, NamesTheCauseWhenOnlyTheHandlerFails) {
  SchedulerRig rig(2);
  rig.handler->answer = fail(Code::internal, "no luck");
  const auto result = rig.schedule();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::resource_exhausted);
  EXPECT_EQ(result.error().message, "failed to find target endpoint: no luck");
}

TEST(Scheduler, CountsAttemptsByTheirEndpoint) {
  SchedulerRig rig(2);
  rig.parts.request.target_model = "m";
  ASSERT_TRUE(rig.schedule());
  EXPECT_EQ(metric_value(rig.parts.metrics.expose(),
                         "llm_d_epp_scheduler_attempts_total{endpoint_name=\"pod1\",namespace=\"\","
                         "port=\"8000\",status=\"success\",target_model_name=\"m\"}"),
            1.0);
}

TEST(Scheduler, CountsAPluginThatThrowsAsAFailedAttempt) {
  SchedulerRig rig(2);
  rig.parts.scorers[0]->during = [](const Context&) { throw std::runtime_error("broken"); };
  EXPECT_THROW((void)rig.schedule(), std::runtime_error);
  EXPECT_EQ(metric_value(rig.parts.metrics.expose(),
                         "llm_d_epp_scheduler_attempts_total{endpoint_name=\"\",namespace=\"\","
                         "port=\"\",status=\"failure\",target_model_name=\"\"}"),
            1.0);
}

}  // namespace
}  // namespace pointsman
