// The tracing requirements of one profile run, one test per row of spec/01 section 6. The spans of
// a Trace are what the exporter sends; that they arrive is proved end to end elsewhere.
//
// Longer than 400 lines because the section is one table: a row that has no test is seen at once.

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/engine/profile.h"
#include "pointsman/engine/testing/fakes.h"
#include "pointsman/engine/testing/profile_rig.h"

namespace pointsman {
namespace {

using testing::FakeFilter;
using testing::FakePicker;
using testing::FakeScorer;
using testing::parent_name;
using testing::ProfileRig;
using testing::Seen;
using testing::spans;

// ---- P: the picker's span -------------------------------------------------------------------

TEST(PickerSpan, P1_OneRunGivesExactlyOneSpan) {
  ProfileRig rig(3);
  rig.run();
  EXPECT_EQ(spans(rig.trace, "pick_endpoints").size(), 1U);
}

TEST(PickerSpan, P2_IsInternal) {
  ProfileRig rig(3);
  rig.run();
  EXPECT_EQ(rig.only("pick_endpoints").record->kind, SpanKind::internal);
}

TEST(PickerSpan, P3_HasTheRunningProfileAsParentAndThatTheCaller) {
  ProfileRig rig(3);
  {
    auto caller = rig.trace.enter("caller", SpanScope::requestcontrol);
    rig.run();
  }
  EXPECT_EQ(parent_name(rig.trace, rig.only("pick_endpoints")), "run_scheduler_profile");
  EXPECT_EQ(parent_name(rig.trace, rig.only("run_scheduler_profile")), "caller");
}

TEST(PickerSpan, P4_P5_BelongsToTheSchedulingScope) {
  ProfileRig rig(3);
  rig.run();
  EXPECT_EQ(name(rig.only("pick_endpoints").record->scope), "llm-d-router/pkg/epp/scheduling");
}

TEST(PickerSpan, P6_CountsTheCandidatesHandedToThePicker) {
  ProfileRig rig(3);
  rig.run();
  EXPECT_EQ(rig.only("pick_endpoints").at("llm_d.epp.picker.candidate_endpoints"), "3");
}

TEST(PickerSpan, P7_CountsTheSelectedEndpoints) {
  ProfileRig one(3);
  one.run();
  EXPECT_EQ(one.only("pick_endpoints").at("llm_d.epp.picker.selected_endpoints"), "1");
  ProfileRig two(3);
  two.picker->count = 2;
  two.run();
  EXPECT_EQ(two.only("pick_endpoints").at("llm_d.epp.picker.selected_endpoints"), "2");
}

TEST(PickerSpan, P8_EndsWhenThePickerPicksNothing) {
  ProfileRig rig(3);
  rig.picker->count = 0;
  EXPECT_TRUE(rig.run());
  const Seen span = rig.only("pick_endpoints");
  EXPECT_TRUE(span.record->ended);
  EXPECT_EQ(span.at("llm_d.epp.picker.candidate_endpoints"), "3");
  EXPECT_EQ(span.at("llm_d.epp.picker.selected_endpoints"), "0");
  EXPECT_TRUE(span.has("llm_d.epp.picker.top_endpoints"));
}

TEST(PickerSpan, P9_NamesModelAndRequestOnlyWhenThereAreAny) {
  ProfileRig rig(3);
  rig.run();
  EXPECT_FALSE(rig.only("pick_endpoints").has("gen_ai.request.model"));
  EXPECT_FALSE(rig.only("pick_endpoints").has("gen_ai.request.id"));
  ProfileRig named(3);
  named.request.target_model = "test-model";
  named.request.id = "req-123";
  named.run();
  EXPECT_EQ(named.only("pick_endpoints").at("gen_ai.request.model"), "test-model");
  EXPECT_EQ(named.only("pick_endpoints").at("gen_ai.request.id"), "req-123");
}

TEST(PickerSpan, P10_DoesNotNameThePicker) {
  ProfileRig rig(3);
  rig.run();
  for (const auto& [key, value] : rig.only("pick_endpoints").attributes) {
    EXPECT_FALSE(key.ends_with("picker.type") || key.ends_with("picker.name")) << key;
  }
}

TEST(PickerSpan, P11_IsTheParentOfASpanStartedInsideThePicker) {
  ProfileRig rig(3);
  rig.picker->during = [](Trace& trace) { auto s = trace.enter("inside", SpanScope::plugins); };
  rig.run();
  EXPECT_EQ(parent_name(rig.trace, rig.only("inside")), "pick_endpoints");
}

TEST(PickerSpan, P12_EndsAfterWhatIsInsideAlsoWhenThePickerThrows) {
  ProfileRig rig(3);
  rig.picker->during = [](Trace& trace) {
    auto s = trace.enter("inside", SpanScope::plugins);
    throw std::runtime_error("picker broke");
  };
  EXPECT_THROW(rig.run(), std::runtime_error);
  const Seen span = rig.only("pick_endpoints");
  EXPECT_TRUE(span.record->ended);
  EXPECT_GE(span.record->end, rig.only("inside").record->end);
  EXPECT_EQ(span.record->exception_message, "picker broke");
}

TEST(PickerSpan, P13_DoesNotChangeThePick) {
  const auto picks = [](Trace trace) {
    ProfileRig rig(5);
    rig.scorers[0]->values = {1, 5, 2, 5, 5};
    rig.use_max_score_picker();
    rig.trace = std::move(trace);
    rig.run();
    return rig.decision.picks;
  };
  const auto off = picks(Trace());
  EXPECT_EQ(off, picks(Trace(testing::caller_context())));
  EXPECT_EQ(off, picks(testing::recording_trace()));
}

TEST(PickerSpan, P14_LeavesOneLatencyObservationPerPluginCall) {
  for (const bool traced : {true, false}) {
    ProfileRig rig(3);
    if (!traced) rig.trace = Trace();
    rig.run();
    EXPECT_EQ(rig.observations("Picker"), 1U) << traced;
  }
}

TEST(PickerSpan, P15_CallsTheConfiguredPickerItself) {
  ProfileRig rig(3);
  rig.run();
  EXPECT_EQ(rig.picker->calls, 1);
}

TEST(PickerSpan, P16_AppearsOncePerConcurrentRun) {
  constexpr int kThreads = 4;
  constexpr int kRuns = 100;
  ProfileRig shared(3);
  std::atomic<int> seen = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kRuns; ++i) seen += static_cast<int>(shared.run_apart());
      });
    }
  }
  EXPECT_EQ(seen, kThreads * kRuns);
}

TEST(PickerSpan, P17_KnowsTheRequestThoughThePickerDoesNot) {
  ProfileRig rig(3);
  rig.request.id = "req-123";
  rig.run();
  EXPECT_EQ(rig.only("pick_endpoints").at("gen_ai.request.id"), "req-123");
}

TEST(PickerSpan, P18_ListsTheFiveBestByTotal) {
  ProfileRig three(3);
  three.scorers[0]->values = {0, 0.5, 1};
  three.run();
  EXPECT_EQ(three.only("pick_endpoints").at("llm_d.epp.picker.top_endpoints"),
            "[/pod3,/pod2,/pod1]");
  EXPECT_EQ(three.only("pick_endpoints").at("llm_d.epp.picker.top_scores"), "[1.0,0.5,0.0]");
  ProfileRig seven(7);
  seven.scorers[0]->values = {0, .1, .2, .3, .4, .5, .6};
  seven.run();
  EXPECT_EQ(seven.only("pick_endpoints").at("llm_d.epp.picker.top_endpoints"),
            "[/pod7,/pod6,/pod5,/pod4,/pod3]");
  EXPECT_EQ(seven.only("pick_endpoints").at("llm_d.epp.picker.top_scores"),
            "[0.6,0.5,0.4,0.3,0.2]");
  ProfileRig tied(3);
  tied.scorers[0]->values = {1, 1, 1};
  tied.run();
  EXPECT_EQ(tied.only("pick_endpoints").at("llm_d.epp.picker.top_endpoints"),
            "[/pod1,/pod2,/pod3]");
}

// ---- S: the scorers' spans ------------------------------------------------------------------

TEST(ScoringSpan, S1_CoversTheScorersOnce) {
  ProfileRig rig(2);
  rig.run();
  EXPECT_EQ(rig.only("llm_d.epp.scoring").record->kind, SpanKind::internal);
}

TEST(ScoringSpan, S2_HasOneChildPerScorerInOrder) {
  ProfileRig rig(2);
  rig.add_scorer("kv-cache-utilization-scorer", "kv", 1.0);
  rig.run();
  const auto first = rig.only("llm_d.epp.scorer.queue-scorer");
  const auto second = rig.only("llm_d.epp.scorer.kv-cache-utilization-scorer");
  EXPECT_LE(first.record->began, second.record->began);
}

TEST(ScoringSpan, S3_IsTheParentOfEveryScorersSpan) {
  ProfileRig rig(2);
  rig.add_scorer("kv-cache-utilization-scorer", "kv", 1.0);
  rig.run();
  for (const auto* child :
       {"llm_d.epp.scorer.queue-scorer", "llm_d.epp.scorer.kv-cache-utilization-scorer"}) {
    EXPECT_EQ(parent_name(rig.trace, rig.only(child)), "llm_d.epp.scoring");
  }
}

TEST(ScoringSpan, S4_NestsWhatAScorerOpens) {
  ProfileRig rig(2);
  rig.scorers[0]->during = [](const Context& context) {
    auto s = context.trace.enter("score_prefix_cache", SpanScope::plugins);
  };
  rig.run();
  EXPECT_EQ(parent_name(rig.trace, rig.only("score_prefix_cache")),
            "llm_d.epp.scorer.queue-scorer");
}

TEST(ScoringSpan, S5_CountsScorersAndCandidates) {
  ProfileRig rig(2);
  rig.add_scorer("kv-cache-utilization-scorer", "kv", 1.0);
  rig.run();
  EXPECT_EQ(rig.only("llm_d.epp.scoring").at("llm_d.epp.scorer.count"), "2");
  EXPECT_EQ(rig.only("llm_d.epp.scoring").at("llm_d.epp.scoring.candidate_endpoints"), "2");
}

TEST(ScoringSpan, S6_NamesModelAndRequestOnlyWhenThereAreAny) {
  ProfileRig rig(2);
  rig.run();
  EXPECT_FALSE(rig.only("llm_d.epp.scoring").has("gen_ai.request.model"));
  ProfileRig model_only(2);
  model_only.request.target_model = "test-model";
  model_only.run();
  EXPECT_EQ(model_only.only("llm_d.epp.scoring").at("gen_ai.request.model"), "test-model");
  EXPECT_FALSE(model_only.only("llm_d.epp.scoring").has("gen_ai.request.id"));
}

TEST(ScoringSpan, S7_DescribesEachScorer) {
  ProfileRig rig(2);
  rig.set_weight(0, 0.25);
  rig.add_scorer("kv-cache-utilization-scorer", "kv", 0.75);
  rig.run();
  const Seen a = rig.only("llm_d.epp.scorer.queue-scorer");
  EXPECT_EQ(a.at("llm_d.epp.scorer.type"), "queue-scorer");
  EXPECT_EQ(a.at("llm_d.epp.scorer.name"), "q");
  EXPECT_EQ(a.at("llm_d.epp.scorer.weight"), "0.25");
  EXPECT_EQ(a.at("llm_d.epp.scorer.candidate_endpoints"), "2");
  EXPECT_EQ(rig.only("llm_d.epp.scorer.kv-cache-utilization-scorer").at("llm_d.epp.scorer.weight"),
            "0.75");
}

TEST(ScoringSpan, S8_AggregatesTheRawScores) {
  ProfileRig rig(2);
  rig.scorers[0]->values = {0.2, 0.8};
  rig.add_scorer("kv-cache-utilization-scorer", "kv", 1.0)->values = {1.7, 0.3};
  rig.run();
  const Seen a = rig.only("llm_d.epp.scorer.queue-scorer");
  EXPECT_EQ(a.at("llm_d.epp.scorer.score.max"), "0.8");
  EXPECT_EQ(a.at("llm_d.epp.scorer.score.avg"), "0.5");
  EXPECT_EQ(a.at("llm_d.epp.scorer.endpoints_scored"), "2");
  const Seen b = rig.only("llm_d.epp.scorer.kv-cache-utilization-scorer");
  EXPECT_EQ(b.at("llm_d.epp.scorer.score.max"), "1.7");
  EXPECT_EQ(b.at("llm_d.epp.scorer.score.avg"), "1.0");
}

TEST(ScoringSpan, S9_LeavesTheAggregatesOutWhenNothingWasScored) {
  ProfileRig rig(2);
  rig.scorers[0]->values = {};
  EXPECT_TRUE(rig.run());
  const Seen span = rig.only("llm_d.epp.scorer.queue-scorer");
  EXPECT_TRUE(span.has("llm_d.epp.scorer.type"));
  EXPECT_FALSE(span.has("llm_d.epp.scorer.score.max"));
  EXPECT_FALSE(span.has("llm_d.epp.scorer.score.avg"));
  EXPECT_FALSE(span.has("llm_d.epp.scorer.endpoints_scored"));
  EXPECT_EQ(rig.decision.totals, (std::vector{0.0, 0.0}));
}

TEST(ScoringSpan, S10_HasNoKeyPerEndpoint) {
  ProfileRig rig(3);
  rig.run();
  for (const auto* span : {"llm_d.epp.scoring", "llm_d.epp.scorer.queue-scorer"}) {
    for (const auto& [key, value] : rig.only(span).attributes) {
      EXPECT_FALSE(key.contains("pod") || key.contains("endpoint.") ||
                   key.contains("namespacedname"))
          << key;
    }
  }
}

TEST(ScoringSpan, S11_CostsNothingButItselfWhenOff) {
  const auto totals = [](Trace trace) {
    ProfileRig rig(3);
    rig.scorers[0]->values = {0.3, 0.8, 0.1};
    rig.trace = std::move(trace);
    rig.run();
    EXPECT_EQ(rig.scorers[0]->calls, 1);
    return rig.decision.totals;
  };
  EXPECT_EQ(totals(Trace()), totals(testing::recording_trace()));
  EXPECT_EQ(totals(Trace(testing::caller_context())), totals(testing::recording_trace()));
}

TEST(ScoringSpan, S14_LeavesOneLatencyObservationPerScorer) {
  for (const bool traced : {true, false}) {
    ProfileRig rig(3);
    rig.add_scorer("kv-cache-utilization-scorer", "kv", 1.0);
    if (!traced) rig.trace = Trace();
    rig.run();
    EXPECT_EQ(rig.observations("Scorer"), 2U) << traced;
  }
}

TEST(ScoringSpan, S15_EndsWhenAScorerThrows) {
  ProfileRig rig(2);
  rig.scorers[0]->during = [](const Context&) { throw std::runtime_error("scorer broke"); };
  EXPECT_THROW(rig.run(), std::runtime_error);
  for (const auto* span :
       {"llm_d.epp.scorer.queue-scorer", "llm_d.epp.scoring", "run_scheduler_profile"}) {
    EXPECT_TRUE(rig.only(span).record->ended) << span;
    EXPECT_EQ(rig.only(span).record->exception_message, "scorer broke") << span;
    EXPECT_EQ(rig.only(span).record->exception_type, "std::runtime_error") << span;
    EXPECT_FALSE(rig.only(span).record->error) << span;
  }
  EXPECT_TRUE(spans(rig.trace, "pick_endpoints").empty());
}

// ---- M: filters and the profile -------------------------------------------------------------

TEST(FilterSpan, M1_CoversTheWholeChain) {
  ProfileRig rig(3);
  rig.add_filter()->keep = [](EndpointIndex e) { return e != 0; };
  rig.run();
  EXPECT_EQ(rig.only("filter_endpoints").at("llm_d.epp.filter.candidate_endpoints"), "3");
  EXPECT_EQ(rig.only("filter_endpoints").at("llm_d.epp.filter.filtered_endpoints"), "2");

  ProfileRig two(3);
  two.add_filter()->keep = [](EndpointIndex e) { return e != 0; };
  two.add_filter()->keep = [](EndpointIndex e) { return e != 1; };
  two.run();
  EXPECT_EQ(two.only("filter_endpoints").at("llm_d.epp.filter.filtered_endpoints"), "1");
}

TEST(FilterSpan, M1_ExistsWithoutFilters) {
  ProfileRig rig(3);
  rig.run();
  EXPECT_EQ(rig.only("filter_endpoints").at("llm_d.epp.filter.candidate_endpoints"), "3");
  EXPECT_EQ(rig.only("filter_endpoints").at("llm_d.epp.filter.filtered_endpoints"), "3");
}

TEST(FilterSpan, M1_EndsWithZeroWhenDrainedAndNothingFollows) {
  ProfileRig rig(3);
  rig.add_filter()->keep = [](EndpointIndex) { return false; };
  const auto after = rig.add_filter();
  const auto result = rig.run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::resource_exhausted);
  EXPECT_EQ(result.error().drop_reason, "rejected-saturated");
  EXPECT_EQ(after->calls, 0);
  EXPECT_EQ(rig.only("filter_endpoints").at("llm_d.epp.filter.filtered_endpoints"), "0");
  EXPECT_TRUE(spans(rig.trace, "llm_d.epp.scoring").empty());
  EXPECT_TRUE(spans(rig.trace, "pick_endpoints").empty());
  EXPECT_TRUE(rig.only("run_scheduler_profile").record->error);
}

TEST(FilterSpan, M1_NestsWhatAFilterOpens) {
  ProfileRig rig(3);
  rig.add_filter()->during = [](const Context& context) {
    auto s = context.trace.enter("inside", SpanScope::plugins);
  };
  rig.run();
  EXPECT_EQ(parent_name(rig.trace, rig.only("inside")), "filter_endpoints");
}

TEST(ProfileSpan, M2_NamesTheProfile) {
  ProfileRig rig(3);
  rig.run();
  EXPECT_EQ(rig.only("run_scheduler_profile").at("llm_d.epp.scheduling.profile.name"), "default");
  EXPECT_EQ(parent_name(rig.trace, rig.only("filter_endpoints")), "run_scheduler_profile");
}

TEST(ProfileSpan, M3_EndsWhenAFilterThrowsAndTheExceptionPasses) {
  ProfileRig rig(3);
  rig.add_filter()->during = [](const Context&) { throw std::out_of_range("filter broke"); };
  EXPECT_THROW(rig.run(), std::out_of_range);
  EXPECT_TRUE(rig.only("filter_endpoints").record->ended);
  EXPECT_TRUE(rig.only("run_scheduler_profile").record->ended);
  EXPECT_FALSE(rig.only("filter_endpoints").has("llm_d.epp.filter.filtered_endpoints"));
}

TEST(ProfileSpan, M4_NothingIsRecordedWhenNotSampled) {
  ProfileRig rig(3);
  rig.trace = Trace(testing::caller_context());
  rig.add_filter();
  EXPECT_TRUE(rig.run());
  EXPECT_EQ(rig.trace.release(), nullptr);
}

// ---- the whole of spec/01 section 8.2 -------------------------------------------------------

TEST(ProfileTrace, IsAsInTheWorkedExample) {
  ProfileRig rig(std::vector<std::string>{"a", "b", "c"});
  rig.request.target_model = "test-model";
  rig.request.id = "req-123";
  rig.set_weight(0, 2.0);
  rig.scorers[0]->values = {1.0, 0.25};
  rig.add_scorer("kv-cache-utilization-scorer", "kv", 1.0)->values = {0.2, 1.7};
  rig.add_filter()->keep = [](EndpointIndex e) { return e < 2; };
  rig.use_max_score_picker();
  ASSERT_TRUE(rig.run());

  EXPECT_EQ(rig.decision.totals, (std::vector{2.2, 1.5}));
  EXPECT_EQ(rig.decision.picks, std::vector<EndpointIndex>{0});
  using Map = std::map<std::string, std::string>;
  EXPECT_EQ(rig.only("filter_endpoints").attributes,
            (Map{{"llm_d.epp.filter.candidate_endpoints", "3"},
                 {"llm_d.epp.filter.filtered_endpoints", "2"},
                 {"gen_ai.request.model", "test-model"},
                 {"gen_ai.request.id", "req-123"}}));
  EXPECT_EQ(rig.only("llm_d.epp.scorer.queue-scorer").attributes,
            (Map{{"llm_d.epp.scorer.type", "queue-scorer"},
                 {"llm_d.epp.scorer.name", "q"},
                 {"llm_d.epp.scorer.weight", "2.0"},
                 {"llm_d.epp.scorer.candidate_endpoints", "2"},
                 {"llm_d.epp.scorer.score.max", "1.0"},
                 {"llm_d.epp.scorer.score.avg", "0.625"},
                 {"llm_d.epp.scorer.endpoints_scored", "2"}}));
  EXPECT_EQ(
      rig.only("llm_d.epp.scorer.kv-cache-utilization-scorer").at("llm_d.epp.scorer.score.avg"),
      "0.95");
  EXPECT_EQ(rig.only("llm_d.epp.scoring").attributes,
            (Map{{"llm_d.epp.scorer.count", "2"},
                 {"llm_d.epp.scoring.candidate_endpoints", "2"},
                 {"gen_ai.request.model", "test-model"},
                 {"gen_ai.request.id", "req-123"}}));
  EXPECT_EQ(rig.only("pick_endpoints").attributes,
            (Map{{"llm_d.epp.picker.candidate_endpoints", "2"},
                 {"llm_d.epp.picker.top_endpoints", "[/a,/b]"},
                 {"llm_d.epp.picker.top_scores", "[2.2,1.5]"},
                 {"gen_ai.request.model", "test-model"},
                 {"gen_ai.request.id", "req-123"},
                 {"llm_d.epp.picker.selected_endpoints", "1"}}));
  EXPECT_EQ(rig.only("run_scheduler_profile").attributes,
            (Map{{"llm_d.epp.scheduling.profile.name", "default"}}));
}

}  // namespace
}  // namespace pointsman
