// The response's half: spec/03 sections 3.8, 9.1 and spec/07 section 5.3.
#include <string>

#include <gtest/gtest.h>

#include "pointsman/engine/testing/pipeline_rig.h"

namespace pointsman {
namespace {

using testing::PipelineRig;

const std::string kSse = "text/event-stream; charset=utf-8";
const std::string kJson = "application/json";

TEST(ResponseAccounting, MeasuresAStreamedAnswer) {
  PipelineRig rig;
  rig.parser->usage = {.prompt = 100, .output = 3, .total = 103, .cached = 64};
  ASSERT_TRUE(rig.run());
  rig.respond(200, kSse, {"one", "three", ""});
  rig.finish();
  EXPECT_EQ(rig.of_request("llm_d_epp_request_duration_seconds_count"), 1);
  EXPECT_EQ(rig.of_request("llm_d_epp_request_ntpot_seconds_count"), 1);
  EXPECT_EQ(rig.of_request("llm_d_epp_request_streaming_tpot_seconds_count"), 1);
  EXPECT_EQ(rig.of_request("llm_d_epp_request_streaming_itl_seconds_count"), 1);
  EXPECT_EQ(rig.metric("llm_d_epp_request_ttft_seconds_count{fairness_id=\"default-flow\",model_"
                       "name=\"m\",priority=\"0\",streaming=\"true\",target_model_name=\"m\"}"),
            1);
  EXPECT_EQ(rig.of_request("llm_d_epp_response_size_bytes_sum"), 8);
  EXPECT_EQ(rig.of_request("llm_d_epp_request_input_tokens_sum"), 100);
  EXPECT_EQ(rig.of_request("llm_d_epp_request_output_tokens_sum"), 3);
  EXPECT_EQ(rig.of_request("llm_d_epp_request_cached_tokens_sum"), 64);
  EXPECT_EQ(rig.metric("llm_d_epp_response_processing_duration_seconds_count"), 1);
}

TEST(ResponseAccounting, MeasuresAWholeAnswerWithoutTheGapsOfAStream) {
  PipelineRig rig;
  rig.parser->usage = {.prompt = 5, .output = 1, .total = 6};
  ASSERT_TRUE(rig.run());
  rig.respond(200, kJson, {"{", "}"});
  rig.finish();
  EXPECT_EQ(rig.of_request("llm_d_epp_request_duration_seconds_count"), 1);
  EXPECT_EQ(rig.of_request("llm_d_epp_request_streaming_itl_seconds_count").value_or(0), 0);
  EXPECT_EQ(rig.of_request("llm_d_epp_request_streaming_tpot_seconds_count").value_or(0), 0);
  EXPECT_EQ(rig.of_request("llm_d_epp_request_cached_tokens_count").value_or(0), 0);
  EXPECT_EQ(rig.metric("llm_d_epp_request_ttft_seconds_count{fairness_id=\"default-flow\",model_"
                       "name=\"m\",priority=\"0\",streaming=\"false\",target_model_name=\"m\"}"),
            1);
}

// spec/03 section 3.9.
TEST(ResponseAccounting, TimesAWholeAnswerFromItsHeadToItsEndAndAStreamByItsPieces) {
  constexpr const char* kSum = "llm_d_epp_response_processing_duration_seconds_sum";
  const auto processing = [](const std::string& type, bool ends) {
    PipelineRig rig;
    EXPECT_TRUE(rig.run());
    rig.pipeline().sent(rig.session, rig.worker);
    rig.pipeline().response_started(rig.session, 200, type, rig.worker);
    rig.session.response.began -= std::chrono::seconds(5);  // the model server takes its time
    rig.pipeline().response_chunk(rig.session, "{}", ends, rig.worker);
    rig.finish();
    EXPECT_EQ(rig.metric("llm_d_epp_response_processing_duration_seconds_count"), 1);
    return rig.metric(kSum).value_or(-1);
  };
  EXPECT_GE(processing(kJson, true), 5);
  EXPECT_LT(processing(kJson, false), 5);  // cut off: the router's own part
  EXPECT_LT(processing(kSse, true), 5);
  EXPECT_GT(processing(kSse, true), 0);
}

TEST(ResponseAccounting, TimesEachParserByItsName) {
  PipelineRig rig;
  ASSERT_TRUE(rig.run());
  rig.respond(200, kJson, {"{", "}"});
  rig.finish();
  const auto times = [&rig](const std::string& point) {
    return rig.metric("llm_d_epp_plugin_duration_seconds_count{extension_point=\"" + point +
                      "\",plugin_name=\"p\",plugin_type=\"fake-parser\"}");
  };
  EXPECT_EQ(times("RequestParsing"), 1);
  EXPECT_EQ(times("ResponseParsing"), 2);
  EXPECT_FALSE(rig.metrics.expose().contains("plugin_type=\"parser\""));
}

TEST(ResponseAccounting, CountsTheRequestsThatRun) {
  PipelineRig rig;
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.of_request("llm_d_epp_request_running").value_or(0), 0);
  rig.pipeline().sent(rig.session, rig.worker);
  rig.pipeline().sent(rig.session, rig.worker);  // a second attempt of the same request
  EXPECT_EQ(rig.of_request("llm_d_epp_request_running"), 1);
  rig.finish(Outcome::End::client_aborted);
  EXPECT_EQ(rig.of_request("llm_d_epp_request_running"), 0);
}

TEST(ResponseAccounting, LeavesAnAbortedRequestOutOfTheDurations) {
  PipelineRig rig;
  ASSERT_TRUE(rig.run("m", testing::recording_trace()));
  rig.pipeline().sent(rig.session, rig.worker);
  rig.pipeline().response_started(rig.session, 200, kSse, rig.worker);
  rig.pipeline().response_chunk(rig.session, "some", false, rig.worker);
  rig.finish(Outcome::End::client_aborted);
  EXPECT_EQ(rig.of_request("llm_d_epp_request_running"), 0);
  EXPECT_EQ(rig.of_request("llm_d_epp_request_duration_seconds_count").value_or(0), 0);
  EXPECT_EQ(rig.of_request("llm_d_epp_response_size_bytes_count").value_or(0), 0);
  EXPECT_FALSE(rig.metrics.expose().contains("\nllm_d_epp_request_error_total{"));
  const Outcome& outcome = rig.recorder.kept.at(0)->outcome;
  EXPECT_EQ(outcome.end, Outcome::End::client_aborted);
  EXPECT_EQ(outcome.status, 200);
  EXPECT_GT(outcome.ttft_ns, 0);
  EXPECT_GE(outcome.duration_ns, outcome.ttft_ns);
  const auto root = testing::spans(rig.session.trace, "gateway.request").at(0);
  EXPECT_EQ(root.at("pointsman.end"), "aborted by client");
}

TEST(ResponseAccounting, JoinsTheOutcomeToTheDecisionOnce) {
  PipelineRig rig;
  rig.parser->usage = {.prompt = 100, .output = 3, .total = 103, .cached = 64};
  ASSERT_TRUE(rig.run());
  rig.respond(201, kJson, {"{}"});
  rig.finish();
  rig.finish(Outcome::End::client_aborted);
  const Outcome& outcome = rig.recorder.kept.at(0)->outcome;
  EXPECT_EQ(outcome.end, Outcome::End::finished);
  EXPECT_EQ(outcome.status, 201);
  EXPECT_EQ(outcome.prompt_tokens, 100);
  EXPECT_EQ(outcome.output_tokens, 3);
  EXPECT_EQ(outcome.cached_tokens, 64);
  EXPECT_EQ(rig.recorder.joined, 1);
}

TEST(ResponseAccounting, RemembersThatAnotherServerAnswered) {
  PipelineRig rig;
  ASSERT_TRUE(rig.run());
  rig.pipeline().retried(rig.session, {.attempts = 2, .served_by = "10.0.0.2:8000"});
  rig.respond(200, kJson, {"{}"});
  rig.finish();
  const Outcome& outcome = rig.recorder.kept.at(0)->outcome;
  EXPECT_EQ(outcome.attempts, 2);
  EXPECT_EQ(outcome.served_by, "10.0.0.2:8000");
  EXPECT_EQ(outcome.end, Outcome::End::finished);
}

TEST(ResponseAccounting, CountsAnErrorOfTheModelServer) {
  for (const auto& [status, counted] :
       {std::pair(200, false), std::pair(204, false), std::pair(301, true), std::pair(400, true),
        std::pair(503, true)}) {
    PipelineRig rig;
    ASSERT_TRUE(rig.run("m", testing::recording_trace()));
    rig.respond(status, kJson, {"{}"});
    rig.finish();
    EXPECT_EQ(rig.metrics.expose().contains(
                  "llm_d_epp_request_error_total{error_code=\"ModelServerError\""),
              counted)
        << status;
    const auto root = testing::spans(rig.session.trace, "gateway.request").at(0);
    EXPECT_EQ(root.record->error, counted) << status;
    EXPECT_EQ(root.at("http.response.status_code"), std::to_string(status));
  }
}

TEST(ResponseAccounting, IgnoresWhatComesBehindTheEnd) {
  PipelineRig rig;
  ASSERT_TRUE(rig.run());
  rig.respond(200, kJson, {"12345"});
  rig.pipeline().response_chunk(rig.session, "more", true, rig.worker);
  rig.finish();
  EXPECT_EQ(rig.of_request("llm_d_epp_response_size_bytes_sum"), 5);
  EXPECT_EQ(rig.of_request("llm_d_epp_request_duration_seconds_count"), 1);
}

TEST(ResponseAccounting, DoesNotCallARequestWithoutBodyAnInference) {
  PipelineRig rig;
  rig.session.headers = rig.headers;
  rig.pipeline().begin(rig.session, {}, rig.worker);
  rig.respond(200, kJson, {"{}"});
  rig.finish();
  const std::string text = rig.metrics.expose();
  for (const char* family : {"llm_d_epp_request_duration_seconds_count",
                             "llm_d_epp_response_size_bytes_count", "llm_d_epp_request_running"}) {
    EXPECT_FALSE(text.contains("\n" + std::string(family) + "{")) << family;
  }
  EXPECT_EQ(rig.recorder.joined, 0);
}

TEST(ResponseAccounting, TellsTheRootSpanWhereTheRequestWent) {
  PipelineRig rig;
  ASSERT_TRUE(rig.run("m", testing::recording_trace()));
  rig.respond(200, kJson, {"{}"});
  rig.finish();
  const auto root = testing::spans(rig.session.trace, "gateway.request").at(0);
  EXPECT_EQ(root.at("gen_ai.request.model"), "m");
  EXPECT_EQ(root.at("gen_ai.request.id"), rig.session.request.id);
  EXPECT_EQ(root.at("pointsman.decision"), decision_id_text(rig.session.decision->id));
  EXPECT_TRUE(root.has("pointsman.endpoint"));
  EXPECT_FALSE(root.has("pointsman.end"));
  EXPECT_FALSE(root.record->error);
}

TEST(ResponseAccounting, TellsHooksEachMomentOnce) {
  PipelineRig rig;
  testing::FakeHook& hook = rig.add_hook("h");
  ASSERT_TRUE(rig.run());
  rig.respond(200, kSse, {"one", "two", ""});
  rig.finish();
  EXPECT_EQ(hook.told, "dabf");
  ASSERT_EQ(rig.session.client_edits.lines().size(), 1U);
  EXPECT_EQ(rig.session.client_edits.lines()[0].name, "x-told");

  hook.told.clear();
  ASSERT_TRUE(rig.run());
  rig.finish(Outcome::End::client_aborted);  // before any answer
  EXPECT_EQ(hook.told, "df");

  hook.told.clear();
  rig.headers.push_back({"prefer", "if-available"});
  ASSERT_FALSE(rig.run());
  rig.finish(Outcome::End::rejected);
  EXPECT_EQ(hook.told, "");  // what was never sent has no end either
}

TEST(ResponseAccounting, TimesHooksOnlyWhereTheyListen) {
  PipelineRig rig;
  rig.add_hook("all");
  const testing::FakeHeadHook& head = rig.add_head_hook("head");
  ASSERT_TRUE(rig.run());
  rig.respond(200, kSse, {"one", "two", ""});
  rig.finish();
  ASSERT_TRUE(rig.run());
  rig.finish(Outcome::End::client_aborted);  // before any answer
  EXPECT_EQ(head.heard, 1);
  const auto calls = [&rig](const std::string& point, const std::string& plugin) {
    return rig.metric("llm_d_epp_plugin_duration_seconds_count{extension_point=\"" + point + "\"," +
                      plugin + "}");
  };
  const std::string all = R"(plugin_name="all",plugin_type="fake-hook")";
  const std::string only_head = R"(plugin_name="head",plugin_type="fake-head-hook")";
  EXPECT_EQ(calls("ResponseReceived", all), 1);
  EXPECT_EQ(calls("ResponseStreaming", all), 3);
  EXPECT_EQ(calls("ResponseReceived", only_head), 1);
  EXPECT_EQ(calls("ResponseStreaming", only_head), std::nullopt);
}

TEST(ResponseAccounting, GoesOnWhenAHookThrows) {
  PipelineRig rig;
  testing::FakeHook& bad = rig.add_hook("bad");
  const testing::FakeHook& good = rig.add_hook("good");
  bad.throws = true;
  ASSERT_TRUE(rig.run("m", testing::recording_trace()));
  rig.respond(200, kSse, {"one", ""});
  rig.finish();
  EXPECT_EQ(bad.told, "dabf");
  EXPECT_EQ(good.told, "dabf");
  EXPECT_EQ(rig.of_request("llm_d_epp_request_duration_seconds_count"), 1);
  const auto root = testing::spans(rig.session.trace, "gateway.request").at(0);
  EXPECT_EQ(root.record->exception_message, "boom");
}

}  // namespace
}  // namespace pointsman
