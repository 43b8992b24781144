// What plugins change on headers and learn from responses, through the endpoint picker: sessions,
// load in flight, a source to pull a cached prompt from.
#include <string>
#include <string_view>
#include <vector>

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
constexpr std::string_view kHead = "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\n";

std::string config(std::string_view plugins) {
  return std::string(kHead) + "plugins:\n" + std::string(plugins);
}

// The header lines set on the request, after it has been routed.
Fields route(Transaction& stream, const Fields& headers) {
  stream.request_headers(headers);
  stream.request_body(kBody);
  const auto answers = stream.answers();
  EXPECT_FALSE(answers.empty());
  return answers.empty() ? Fields{}
                         : set(answers[0].request_headers().response().header_mutation());
}

TEST(ExtProcHooks, ASessionStaysWhereItsTokenSays) {
  Rig rig(three(), {}, config("- type: session-affinity-filter\n- type: queue-scorer\n"));
  Transaction first(rig);
  EXPECT_EQ(route(first, {}).at("x-gateway-destination-endpoint"), "10.0.0.2:8000");
  first.response_headers({{":status", "200"}});
  const auto answer = first.answer();
  const Fields told = set(answer.response_headers().response().header_mutation());
  EXPECT_EQ(told.at("x-session-token"), "L3BvZDE=");  // /pod1

  Transaction elsewhere(rig);
  EXPECT_EQ(route(elsewhere, {{"x-session-token", "L3BvZDI="}})  // /pod2
                .at("x-gateway-destination-endpoint"),
            "10.0.0.3:8000");
}

TEST(ExtProcHooks, LoadInFlightIsSeenUntilTheAnswerEnds) {
  Rig rig({{.name = "pod0"}, {.name = "pod1"}}, {}, config("- type: active-request-scorer\n"));
  Transaction first(rig);
  const std::string taken = route(first, {}).at("x-gateway-destination-endpoint");
  Transaction second(rig);
  const std::string other = route(second, {}).at("x-gateway-destination-endpoint");
  EXPECT_NE(other, taken);

  const auto under_way = [&] {
    const std::string text = rig.metrics();
    double sum = 0;
    for (const std::string pod : {"pod0", "pod1"}) {
      sum += metric_value(text, "llm_d_epp_inflight_requests{endpoint_name=\"" + pod +
                                    "\",fairness_id=\"default-flow\",namespace=\"\","
                                    "priority=\"0\",producer_name=\"inflight-load-"
                                    "producer\"}")
                 .value_or(-100);
    }
    return sum;
  };
  EXPECT_EQ(under_way(), 2.0);
  first.response_headers({{":status", "200"}});
  first.response_body("{}", true);
  EXPECT_EQ(under_way(), 1.0);
  Transaction third(rig);
  EXPECT_EQ(route(third, {}).at("x-gateway-destination-endpoint"), taken);
  second.cancel();
  third.cancel();
  EXPECT_EQ(under_way(), 0.0);
}

TEST(ExtProcHooks, NamesAnotherEndpointToPullThePromptFrom) {
  Rig rig({{.name = "pod0"}, {.name = "pod1"}}, {},
          config("- type: p2p-source-producer\n- type: session-affinity-filter\n"));
  const auto to = [&](const std::string& token) {
    Transaction stream(rig);
    stream.request_headers({{"x-session-token", token},
                            {"x-request-id", "abc"},
                            {"x-kv-cache-source-host-port", "evil:1"}});
    stream.request_body(kBody);
    return stream.answers().at(0).request_headers().response().header_mutation();
  };
  const auto cold = to("L3BvZDA=");  // /pod0 computes the prompt
  EXPECT_EQ(set(cold).count("x-kv-cache-source-host-port"), 0U);
  ASSERT_EQ(cold.remove_headers_size(), 1);
  EXPECT_EQ(cold.remove_headers(0), "x-kv-cache-source-host-port");
  const auto warm = to("L3BvZDE=");  // /pod1 can pull it
  EXPECT_EQ(set(warm).at("x-kv-cache-source-host-port"), "10.0.0.1:8000");
  EXPECT_EQ(warm.remove_headers_size(), 0);
}

}  // namespace
}  // namespace pointsman
