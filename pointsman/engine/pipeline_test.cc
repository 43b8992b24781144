// The request's half: spec/03 sections 5.3, 10.1, 10.2, 11.1, 12 and 13.2.
#include "pointsman/engine/pipeline.h"

#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/client_text.h"
#include "pointsman/engine/testing/pipeline_rig.h"

namespace pointsman {
namespace {

using testing::PipelineRig;

TEST(Pipeline, DecidesAndKeepsTheDecision) {
  PipelineRig rig(3);
  ASSERT_TRUE(rig.run());
  ASSERT_EQ(rig.recorder.kept.size(), 1U);
  const Decision& decision = *rig.recorder.kept[0];
  EXPECT_EQ(decision.model, "m");
  EXPECT_EQ(decision.target_model, "m");
  EXPECT_EQ(decision.body_bytes, 1U);
  EXPECT_EQ(decision.request_id, rig.session.request.id);
  EXPECT_EQ(decision.targets().size(), 1U);
  EXPECT_EQ(rig.outgoing(), "m");
  EXPECT_EQ(rig.of_request("llm_d_epp_request_total"), 1);
  EXPECT_EQ(rig.of_request("llm_d_epp_request_size_bytes_sum"), 1);
  EXPECT_EQ(rig.metric("llm_d_epp_request_processing_duration_seconds_count"), 1);
}

TEST(Pipeline, TakesTheClientsRequestIdOrMakesOne) {
  PipelineRig rig;
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.id.size(), 36U);
  rig.headers.push_back({"x-request-id", "mine"});
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.id, "mine");
  rig.headers.back().value = "";
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.id.size(), 36U);
}

TEST(Pipeline, RefusesAPathThatNoParserKnows) {
  PipelineRig rig;
  rig.headers = {{":path", "/v1/other?x=1"}};
  const auto outcome = rig.run();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::bad_request);
  EXPECT_EQ(outcome.error().message, "no parser registered matching path suffix for: /v1/other");
  EXPECT_TRUE(rig.recorder.kept.empty());  // nothing was decided
  rig.finish(Outcome::End::rejected);
  EXPECT_EQ(rig.metric("llm_d_epp_request_error_total{error_code=\"BadRequest\",fairness_id="
                       "\"default-flow\",model_name=\"\",priority=\"0\",target_model_name=\"\"}"),
            1);
}

TEST(Pipeline, PassesOnWhatTheParserSays) {
  PipelineRig rig;
  rig.parser->on_parse = [](auto, auto&) { return fail(Code::bad_request, "not today"); };
  EXPECT_EQ(rig.error(), std::to_string(static_cast<int>(Code::bad_request)) + " not today");
  EXPECT_EQ(rig.metric("llm_d_epp_plugin_duration_seconds_count{extension_point=\"RequestParsing\","
                       "plugin_name=\"p\",plugin_type=\"fake-parser\"}"),
            1);
}

// spec/07 section 5.1: how far the reading came does not matter.
TEST(Pipeline, CountsARequestThatCannotBeReadWithoutAModel) {
  PipelineRig rig;
  rig.parser->on_parse = [](auto, Request& request) {
    request.model = "m";
    return fail(Code::bad_request, "messages are missing");
  };
  ASSERT_FALSE(rig.run());
  rig.finish(Outcome::End::rejected);
  EXPECT_EQ(rig.metric("llm_d_epp_request_error_total{error_code=\"BadRequest\",fairness_id="
                       "\"default-flow\",model_name=\"\",priority=\"0\",target_model_name=\"\"}"),
            1);
}

TEST(Pipeline, TakesTheFairnessIdFromEitherHeader) {
  PipelineRig rig;
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.fairness_id, "default-flow");
  rig.headers.push_back({"x-gateway-inference-fairness-id", "old"});
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.fairness_id, "old");
  rig.headers.push_back({"x-llm-d-inference-fairness-id", "new"});
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.request.fairness_id, "new");
}

// spec/03 section 11.1: priority, saturation, endpoints, and whether it is let in.
TEST(Pipeline, ShedsOnlyRequestsOfNegativePriorityOfAFullPool) {
  struct Row {
    int priority;
    double saturation;
    std::size_t endpoints;
    bool admitted;
  };
  for (const Row& row : std::vector<Row>{{0, 1.0, 2, true},
                                         {0, 9.0, 2, true},
                                         {1, 1.0, 2, true},
                                         {-1, 0.0, 2, true},
                                         {-1, 0.999, 2, true},
                                         {-1, 1.0, 2, false},
                                         {-1, 2.5, 2, false},
                                         {-1, 1.0, 0, false}}) {
    PipelineRig rig(row.endpoints);
    rig.set_priority(row.priority);
    rig.saturation->value = row.saturation;
    const auto outcome = rig.run();
    EXPECT_EQ(outcome.has_value(), row.admitted) << row.priority << " " << row.saturation;
    if (outcome) continue;
    EXPECT_EQ(outcome.error().code, Code::resource_exhausted);
    EXPECT_EQ(outcome.error().message, "system saturated, sheddable request dropped");
    EXPECT_EQ(outcome.error().drop_reason, "rejected-saturated");
    EXPECT_EQ(rig.saturation->asked_of, row.endpoints);
    ASSERT_EQ(rig.recorder.kept.size(), 1U);  // a refusal is a decision too
    EXPECT_EQ(rig.recorder.kept[0]->outcome.status, 429);
    EXPECT_EQ(rig.recorder.kept[0]->outcome.end, Outcome::End::rejected);
    EXPECT_EQ(rig.recorder.kept[0]->error, outcome.error().message);
  }
}

TEST(Pipeline, RefusesWithoutCandidates) {
  PipelineRig none(0);
  const auto outcome = none.run();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::unavailable);
  EXPECT_EQ(outcome.error().message, "failed to find endpoint candidates for serving the request");
  EXPECT_EQ(outcome.error().drop_reason, "rejected-no-endpoints");
}

// spec/03 section 12.
TEST(Pipeline, ConsidersOnlyReadyEndpointsOfTheSubset) {
  PipelineRig rig(3);
  auto fleet = testing::fleet_of(testing::ProfileRig::servers({"a", "b", "c"}), Clock::now());
  fleet.set_ready(0, false);
  rig.fleets.publish(std::move(fleet));
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.profile.scorers[0]->seen, (std::vector<EndpointIndex>{1, 2}));
  const std::vector<std::string_view> hint{"10.0.0.1:8000", "10.0.0.3:9999"};
  const auto with_subset = [&] {
    rig.session.reset();
    rig.session.outcomes.clear();
    rig.session.headers = rig.headers;
    rig.session.body = "m";
    rig.session.subset = hint;
    rig.pipeline().begin(rig.session, {}, rig.worker);
    rig.pipeline().run(rig.shared_pipeline(), rig.session, rig.worker);
    return rig.session.outcomes.at(0).has_value();
  };
  ASSERT_TRUE(with_subset());
  EXPECT_EQ(rig.profile.scorers[0]->seen, std::vector<EndpointIndex>{2});
  const auto& drops = rig.session.decision->drops;
  ASSERT_EQ(drops.size(), 2U);
  EXPECT_EQ(drops[0].reason, DropReason::not_ready);
  EXPECT_EQ(drops[1].reason, DropReason::subset);

  PipelineRig ignoring(2);
  ignoring.options.ignore_subset = true;
  ASSERT_TRUE(ignoring.run());
  EXPECT_EQ(ignoring.profile.scorers[0]->seen.size(), 2U);
}

TEST(Pipeline, PassesOnTheSchedulersErrors) {
  PipelineRig drained;
  drained.profile.add_filter()->keep = [](EndpointIndex) { return false; };
  auto outcome = drained.run();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::resource_exhausted);
  EXPECT_EQ(outcome.error().message, "no endpoints available for the given request");
  EXPECT_EQ(outcome.error().drop_reason, "rejected-saturated");

  PipelineRig refused;
  refused.handler->answer = fail(Code::forbidden, "not you");
  outcome = refused.run();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::resource_exhausted);
  EXPECT_EQ(outcome.error().message, "failed to find target endpoint: not you");
  EXPECT_EQ(outcome.error().drop_reason, "");

  PipelineRig empty;
  empty.profile.picker->count = 0;
  outcome = empty.run();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Code::internal);
  EXPECT_EQ(outcome.error().message, "results must be greater than zero");
}

TEST(Pipeline, RunsProducersInOrderAndGoesOnWithoutOneThatFails) {
  PipelineRig rig;
  std::string order;
  for (const char* name : {"a", "b", "c"}) {
    rig.add_producer(name).during = [&order, name]() -> Result<void> {
      order += name;
      if (order == "ab") return fail(Code::io, "no answer");
      return {};
    };
  }
  EXPECT_TRUE(rig.run());
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(rig.metric("pointsman_producer_errors_total{plugin_name=\"b\",plugin_type=\"fake-"
                       "producer\"}"),
            1);
  EXPECT_EQ(rig.metric("llm_d_epp_plugin_duration_seconds_count{extension_point=\"DataProducer\","
                       "plugin_name=\"c\",plugin_type=\"fake-producer\"}"),
            1);
}

// spec/03 section 10.1, step 15, and 2.4.
TEST(Pipeline, AnswersAConditionalRequestOnlyWhereThePrefixIsHeld) {
  struct Row {
    const char* prefer;
    std::vector<std::int32_t> match;  // of the picked endpoint, which is the first
    bool decided;
  };
  for (const Row& row : std::vector<Row>{{"if-available", {}, false},
                                         {"if-available", {0, 4}, false},
                                         {"if-available", {2, 0}, true},
                                         {"return=minimal, If-Available;x=y", {0, 0}, false},
                                         {"return=minimal", {}, true},
                                         {"if-available-but-different", {}, true}}) {
    PipelineRig rig;
    rig.add_producer("of any name").match = row.match;
    rig.headers.push_back({"prefer", row.prefer});
    const auto outcome = rig.run();
    EXPECT_EQ(outcome.has_value(), row.decided) << row.prefer;
    if (outcome) continue;
    EXPECT_EQ(outcome.error().code, Code::precondition_failed);
    EXPECT_EQ(outcome.error().message, "no decode worker has the requested KV cache");
  }
}

TEST(Pipeline, TellsHooksInOrderOnceTheDecisionStands) {
  PipelineRig rig;
  std::string order;
  for (const char* name : {"z", "a"}) {
    rig.add_hook(name).during = [&order, name](const Decision& decision, Effects& effects) {
      EXPECT_EQ(decision.targets().size(), 1U);
      order += name;
      effects.samples.add("prefix_indexer_hit_ratio", 0.5);
      effects.headers.set("x-hook", name);
    };
  }
  EXPECT_TRUE(rig.run());
  EXPECT_EQ(order, "za");
  ASSERT_EQ(rig.session.upstream_edits.lines().size(), 1U);
  EXPECT_EQ(rig.session.upstream_edits.lines()[0].value, "a");  // the later one
  EXPECT_EQ(
      rig.metric("llm_d_epp_prefix_indexer_hit_ratio_sum{plugin_name=\"a\",plugin_type=\"fake-"
                 "hook\"}"),
      0.5);
  rig.headers.push_back({"prefer", "if-available"});
  EXPECT_FALSE(rig.run());
  EXPECT_EQ(order, "za");  // a refused request changes no state
}

// A plugin that throws costs its request, and nothing else.
TEST(Pipeline, Answers500WhenAPluginThrows) {
  const auto boom = [](auto&&...) -> void { throw std::runtime_error("boom"); };
  const std::vector<std::function<void(PipelineRig&, bool)>> culprits{
      [&](PipelineRig& rig, bool on) {
        if (on) {
          rig.parser->on_parse = [](auto, auto&) -> Result<Parsed> {
            throw std::runtime_error("boom");
          };
        } else {
          rig.parser->on_parse = testing::FakeParser().on_parse;
        }
      },
      [&](PipelineRig& rig, bool on) {
        if (rig.profile.filters.empty()) rig.profile.add_filter();
        rig.profile.filters[0]->during = [on](const Context&) {
          if (on) throw std::runtime_error("boom");
        };
      },
      [&](PipelineRig& rig, bool on) {
        rig.profile.scorers[0]->during = [on](const Context&) {
          if (on) throw std::runtime_error("boom");
        };
      },
      [&](PipelineRig& rig, bool on) {
        rig.profile.picker->during = [on](Trace&) {
          if (on) throw std::runtime_error("boom");
        };
      },
  };
  for (std::size_t i = 0; i < culprits.size(); ++i) {
    PipelineRig rig;
    culprits[i](rig, true);
    const auto outcome = rig.run("m", testing::recording_trace());
    ASSERT_FALSE(outcome) << i;
    EXPECT_EQ(outcome.error().code, Code::internal) << i;
    EXPECT_EQ(outcome.error().message, "a plugin failed: boom") << i;
    rig.finish(Outcome::End::rejected);
    EXPECT_EQ(testing::spans(rig.session.trace, "gateway.request").size(), 1U);
    EXPECT_EQ(rig.recorder.kept.size(), i == 0 ? 0U : 1U);
    culprits[i](rig, false);
    EXPECT_TRUE(rig.run()) << i;
  }
  for (const bool producer : {true, false}) {
    PipelineRig rig;
    if (producer) {
      rig.add_producer("p").during = []() -> Result<void> { throw 42; };
    } else {
      rig.add_hook("h").during = boom;
    }
    const auto outcome = rig.run();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().message, producer ? "a plugin failed" : "a plugin failed: boom");
  }
}

TEST(Pipeline, ShowsARefusalInTheTrace) {
  PipelineRig rig(0);
  EXPECT_FALSE(rig.run("m", testing::recording_trace()));
  rig.finish(Outcome::End::rejected);
  const std::string text =
      "inference error: ServiceUnavailable - failed to find endpoint candidates for serving the "
      "request";
  for (const char* name : {"gateway.request", "gateway.request_orchestration"}) {
    const auto spans = testing::spans(rig.session.trace, name);
    ASSERT_EQ(spans.size(), 1U);
    EXPECT_TRUE(spans[0].record->error) << name;
    EXPECT_EQ(spans[0].record->status, text) << name;
  }
}

// spec/03 section 3.7.
TEST(Pipeline, SendsARequestWithoutBodyToAnyReadyAllowedEndpoint) {
  PipelineRig rig;
  auto fleet = testing::fleet_of(testing::ProfileRig::servers({"a", "b", "c"}));
  fleet.set_ready(0, false);
  std::vector<int> hits(3);
  for (int i = 0; i < 64; ++i) {
    const auto e = rig.pipeline().any_endpoint(rig.session, fleet, rig.worker);
    ASSERT_TRUE(e);
    ++hits[*e];
  }
  EXPECT_EQ(hits[0], 0);
  EXPECT_GT(hits[1], 0);
  EXPECT_GT(hits[2], 0);
  const std::vector<std::string_view> hint{"10.0.0.2"};
  rig.session.subset = hint;
  EXPECT_EQ(rig.pipeline().any_endpoint(rig.session, fleet, rig.worker), 1U);
  const std::vector<std::string_view> elsewhere{"10.9.9.9:1"};
  rig.session.subset = elsewhere;
  const auto none = rig.pipeline().any_endpoint(rig.session, fleet, rig.worker);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::unavailable);
  EXPECT_EQ(none.error().message, "no pods available in datastore");
  EXPECT_EQ(none.error().drop_reason, "rejected-no-endpoints");
  EXPECT_EQ(rig.profile.scorers[0]->calls, 0);
}

TEST(Pipeline, KeepsOnlyTheBeginningOfAGiantName) {
  PipelineRig rig;
  const std::string giant(std::size_t{2} << 20U, 'g');
  rig.headers.push_back({"x-request-id", giant});
  rig.headers.push_back({"x-llm-d-inference-fairness-id", giant});
  ASSERT_TRUE(rig.run(giant));
  EXPECT_EQ(rig.outgoing(), giant);  // the model server hears all of it
  const Decision& kept = *rig.recorder.kept.at(0);
  EXPECT_EQ(kept.model, giant.substr(0, kMaxClientText));
  EXPECT_EQ(kept.target_model.size(), kMaxClientText);
  EXPECT_EQ(kept.request_id.size(), kMaxClientText);
  rig.respond(200, "application/json", {"{}"});
  rig.finish();
  EXPECT_LT(rig.metrics.expose().size(), 100'000U);

  PipelineRig failing;
  failing.add_hook("h").outcome = fail(Code::unavailable, giant);
  EXPECT_EQ(failing.run().error().message, giant);
  EXPECT_EQ(failing.recorder.kept.back()->error.size(), kMaxErrorText);
}

TEST(Pipeline, LetsPluginsTendTheirState) {
  PipelineRig rig;
  const testing::FakeHook& hook = rig.add_hook("h");
  rig.pipeline().tend(rig.profile.scene.fleet);
  rig.pipeline().tend(rig.profile.scene.fleet);
  EXPECT_EQ(hook.tended, 2);
}

}  // namespace
}  // namespace pointsman
