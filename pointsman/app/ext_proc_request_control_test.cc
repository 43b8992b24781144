// The plugins of spec/03 section 15 through the endpoint picker.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "pointsman/app/testing/ext_proc_rig.h"
#include "pointsman/telemetry/testing/metric_value.h"

namespace pointsman {
namespace {

using testing::Fields;
using testing::Rig;
using testing::set;
using testing::three;
using testing::Transaction;

const std::string kBody = R"({"model":"m","prompt":"a prompt of some tokens"})";

std::string config(std::string_view plugins) {
  return "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\nplugins:\n- type: "
         "queue-scorer\n" +
         std::string(plugins);
}

void route(Transaction& stream, const Fields& headers = {}) {
  stream.request_headers(headers);
  stream.request_body(kBody);
  EXPECT_EQ(stream.answers().size(), 2U);
}

TEST(ExtProcRequestControl, TellsTheProxyWhatAnAnswerCost) {
  Rig rig(three(), {},
          config("- type: request-attribute-reporter\n  parameters: {attributes: [{key: "
                 "{name: cost}, expression: usage.completion_tokens * 2.0}]}\n"));
  Transaction stream(rig);
  route(stream);
  stream.response_headers({{":status", "200"}, {"content-type", "application/json"}});
  EXPECT_FALSE(stream.answer().has_dynamic_metadata());
  stream.response_body(R"({"usage":{"prompt_tokens":3,)", false);
  EXPECT_FALSE(stream.answer().has_dynamic_metadata());
  stream.response_body(R"("completion_tokens":21,"total_tokens":24}})", true);
  const auto last = stream.answer();
  EXPECT_EQ(last.dynamic_metadata()
                .fields()
                .at("envoy.lb")
                .struct_value()
                .fields()
                .at("cost")
                .number_value(),
            42);
}

TEST(ExtProcRequestControl, TellsItWithTrailersToo) {
  Rig rig(three(), {},
          config("- type: request-attribute-reporter\n  parameters: {attributes: [{key: "
                 "{name: cost}, expression: '7'}]}\n"));
  Transaction stream(rig);
  route(stream);
  stream.response_headers({{":status", "200"}});
  stream.response_body("{}", false);
  stream.answers();
  stream.response_trailers();
  EXPECT_EQ(stream.answer().dynamic_metadata().fields_size(), 1);
}

TEST(ExtProcRequestControl, TellsTheClientWhomTheProxyReached) {
  Rig rig(three(), {}, config("- type: destination-endpoint-served-verifier\n"));
  const auto told = [&](const testing::wire::ProcessingRequest& with) {
    Transaction stream(rig);
    route(stream);
    testing::wire::ProcessingRequest message = with;
    message.mutable_response_headers();
    stream.send(message);
    return set(stream.answer().response_headers().response().header_mutation())
        .at("x-conformance-test-served-endpoint");
  };
  testing::wire::ProcessingRequest message;
  EXPECT_EQ(told(message), "fail: missing envoy lb metadata");
  auto& lb = (*message.mutable_metadata_context()->mutable_filter_metadata())["envoy.lb"];
  EXPECT_EQ(told(message), "fail: missing destination endpoint served metadata");
  (*lb.mutable_fields())["x-gateway-destination-endpoint-served"].set_string_value("10.0.0.3:8000");
  EXPECT_EQ(told(message), "10.0.0.3:8000");
}

TEST(ExtProcRequestControl, AccountsToTheAgentsSession) {
  Rig rig(three(), {}, config("- type: agent-identity\n"));
  Transaction stream(rig);
  route(stream, {{"X-Claude-Code-Session-Id", "session-abc"}});
  EXPECT_EQ(metric_value(rig.metrics(),
                         R"(llm_d_epp_request_total{fairness_id="session-abc",model_name="m",)"
                         R"(priority="0",target_model_name="m"})"),
            1);
}

TEST(ExtProcRequestControl, RefusesWhenScreenersLeaveNobody) {
  Rig rig(three(), {},
          config("- type: disaggregatedset-rollout-screener\n  parameters: {scope: {labelSelector: "
                 "set=mine}, revisionGating: {mode: sum, requireRoles: {values: [decode]}}}\n"));
  Transaction stream(rig);
  stream.request_headers();
  stream.request_body(kBody);
  const auto answer = stream.answer();
  ASSERT_TRUE(answer.has_immediate_response());
  EXPECT_EQ(answer.immediate_response().status().code(), 503);
  EXPECT_EQ(answer.immediate_response().body(),
            "inference error: ServiceUnavailable - screeners eliminated all endpoint candidates");
  EXPECT_EQ(set(answer.immediate_response().headers()).at("x-llm-d-request-dropped-reason"),
            "rejected-no-endpoints");
}

TEST(ExtProcRequestControl, NeedsSomebodyWhoPredictsLatency) {
  Metrics metrics;
  auto assembly = assemble(*load_config(config("- type: latency-slo-admitter\n")),
                           builtin_plugins(), metrics, builtin_options(false));
  ASSERT_FALSE(assembly.has_value());
  EXPECT_TRUE(assembly.error().front().text.contains(
      "LatencyPredictionInfoDataKey/predicted-latency-producer"))
      << assembly.error().front().text;
}

}  // namespace
}  // namespace pointsman
