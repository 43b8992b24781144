// spec/03 sections 10.1, 13 and 14, and the rows of 5.3 that speak of plugins.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/engine/testing/pipeline_rig.h"

namespace pointsman {
namespace {

using testing::FakeHook;
using testing::PipelineRig;

std::string text(Code code, const std::string& message) {
  return std::to_string(static_cast<int>(code)) + " " + message;
}

std::optional<double> times_called(const PipelineRig& rig, const std::string& point,
                                   const std::string& name, const std::string& type) {
  return rig.metric("llm_d_epp_plugin_duration_seconds_count{extension_point=\"" + point +
                    "\",plugin_name=\"" + name + "\",plugin_type=\"" + type + "\"}");
}

TEST(RequestControl, AsksArrivalHooksFirstAndEndsWithTheFirstError) {
  PipelineRig rig;
  auto& first = rig.add_arrival("first");
  rig.add_arrival("second");
  ASSERT_TRUE(rig.run());
  ASSERT_EQ(rig.session.upstream_edits.lines().size(), 1U);
  EXPECT_EQ(rig.session.upstream_edits.lines()[0].name, "x-arrived");
  EXPECT_EQ(times_called(rig, "RequestHeader", "second", "fake-arrival"), 1);
  first.outcome = fail(Code::forbidden, "not you");
  EXPECT_EQ(rig.error(), text(Code::forbidden, "not you"));
  EXPECT_EQ(times_called(rig, "RequestHeader", "first", "fake-arrival"),
            1);  // a failure has no time
  EXPECT_EQ(times_called(rig, "RequestHeader", "second", "fake-arrival"), 1);
}

TEST(RequestControl, AccountsToTheAgentWhenNoHeaderNamesAFlow) {
  PipelineRig rig;
  rig.add_arrival("agent");
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.fairness_id, "default-flow");
  rig.headers.push_back({"x-agent", "session-abc"});
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.fairness_id, "session-abc");
  rig.headers.push_back({"x-llm-d-inference-fairness-id", "user-123"});
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.fairness_id, "user-123");
}

TEST(RequestControl, KeepsWhomAllScreenersLetStay) {
  PipelineRig rig(3);
  auto& first = rig.add_screener("first");
  auto& second = rig.add_screener("second");
  first.keeps = {1, 2};
  second.keeps = {2, 0, 99};
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.decision->candidates, std::vector<EndpointIndex>{2});
  const std::vector<EndpointIndex> all{0, 1, 2};
  EXPECT_EQ(first.asked, all);
  EXPECT_EQ(second.asked, all);
  ASSERT_EQ(rig.session.decision->drops.size(), 2U);
  EXPECT_EQ(rig.session.decision->drops[0].endpoint, 0);
  EXPECT_EQ(rig.session.decision->drops[0].reason, DropReason::screened);
  EXPECT_EQ(rig.session.decision->drops[0].filter, Drop::kBeforeFilters);
  EXPECT_EQ(times_called(rig, "Screener", "second", "fake-screener"), 1);
}

TEST(RequestControl, RefusesWhenScreenersLeaveNobody) {
  PipelineRig rig(2);
  rig.add_screener("first").keeps = {};
  auto& second = rig.add_screener("second");
  auto& producer = rig.add_producer("later");
  int produced = 0;
  producer.during = [&] {
    ++produced;
    return Result<void>();
  };
  second.keeps = {0, 1};
  const auto outcome = rig.run();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::unavailable);
  EXPECT_EQ(outcome.error().message, "screeners eliminated all endpoint candidates");
  EXPECT_EQ(outcome.error().drop_reason, "rejected-no-endpoints");
  EXPECT_EQ(second.asked.size(), 2U);  // all are asked
  EXPECT_EQ(produced, 0);
}

TEST(RequestControl, AsksAdmittersInTurnUntilOneRefuses) {
  PipelineRig rig;
  auto& first = rig.add_admitter("first");
  auto& second = rig.add_admitter("second");
  ASSERT_TRUE(rig.run());
  first.outcome = fail(Code::internal, "no slot");
  EXPECT_EQ(rig.error(), text(Code::internal, "request cannot be admitted: no slot"));
  first.outcome = fail(Code::resource_exhausted, "too full", "rejected-saturated");
  EXPECT_EQ(rig.error(), text(Code::resource_exhausted, "request cannot be admitted: too full"));
  EXPECT_EQ(rig.recorder.kept.back()->outcome.status, 429);
  EXPECT_TRUE(rig.recorder.kept.back()->runs.empty());  // nothing was scheduled
  EXPECT_FALSE(rig.recorder.kept.back()->inputs.taken);
  EXPECT_EQ(first.calls, 3);
  EXPECT_EQ(second.calls, 1);
  EXPECT_EQ(times_called(rig, "Admission", "first", "fake-admitter"), 3);
}

TEST(RequestControl, DrawsFromSequencesOfTheirOwnThatTheSeedDecides) {
  PipelineRig rig;
  auto& screener = rig.add_screener("screener");
  auto& one = rig.add_admitter("one");
  auto& two = rig.add_admitter("two");
  screener.keeps = {0, 1};
  ASSERT_TRUE(rig.run());
  EXPECT_NE(one.drawn, two.drawn);
  EXPECT_NE(one.drawn, screener.drawn);
  const auto before = one.drawn;
  ASSERT_TRUE(rig.run());
  EXPECT_NE(one.drawn, before);
}

TEST(RequestControl, RunsAllHooksEvenIfOneFails) {
  PipelineRig rig;
  auto& first = rig.add_hook("first");
  auto& second = rig.add_hook("second");
  first.outcome = fail(Code::resource_exhausted, "full", "rejected-saturated");
  const auto outcome = rig.run();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::resource_exhausted);
  EXPECT_EQ(outcome.error().message, "full");
  EXPECT_EQ(outcome.error().drop_reason, "rejected-saturated");
  EXPECT_EQ(second.told, "d");
  // What they did for the request comes to its end.
  rig.finish(Outcome::End::rejected);
  EXPECT_EQ(second.told, "df");
  EXPECT_EQ(rig.recorder.kept.size(), 1U);
}

TEST(RequestControl, JoinsWhatSeveralHooksSay) {
  PipelineRig rig;
  auto& first = rig.add_hook("first");
  auto& second = rig.add_hook("second");
  first.outcome = fail(Code::internal, "broken");
  EXPECT_EQ(rig.error(), text(Code::internal, R"(PreRequest "first/fake-hook" failed: broken)"));
  second.outcome = fail(Code::unavailable, "gone");
  EXPECT_EQ(rig.error(), text(Code::internal,
                              "PreRequest \"first/fake-hook\" failed: broken\n"
                              "PreRequest \"second/fake-hook\" failed: inference error: "
                              "ServiceUnavailable - gone"));
  first.outcome = fail(Code::unavailable, "away");
  EXPECT_TRUE(rig.error().starts_with(text(Code::internal, "PreRequest \"first")));
}

TEST(RequestControl, TellsHooksWhatIsKnownOfTheAnswer) {
  PipelineRig rig;
  const FakeHook& hook = rig.add_hook("hook");
  rig.parser->usage = {.prompt = 5, .output = 7};
  ASSERT_TRUE(rig.run());
  rig.session.response.served = "10.9.9.9:1";
  rig.session.response.proxy_tells = true;
  rig.respond(201, "application/json", {"a", "b"});
  EXPECT_EQ(hook.told, "dabf");
  EXPECT_EQ(hook.last.status, 201);
  EXPECT_EQ(hook.last.usage.output, 7);
  EXPECT_EQ(hook.last.served, "10.9.9.9:1");
  EXPECT_TRUE(hook.last.proxy_tells && hook.last.whole);
  ASSERT_EQ(rig.session.proxy_metadata.all().size(), 1U);
  EXPECT_EQ(rig.session.proxy_metadata.all()[0].key, "told");
  rig.finish();
  EXPECT_EQ(rig.session.decision->outcome.served_by, "10.9.9.9:1");
  ASSERT_TRUE(rig.run());
  EXPECT_TRUE(rig.session.proxy_metadata.all().empty());
  rig.finish(Outcome::End::client_aborted);
  EXPECT_FALSE(hook.last.whole);
  EXPECT_EQ(rig.session.decision->outcome.served_by, "");
}

}  // namespace
}  // namespace pointsman
