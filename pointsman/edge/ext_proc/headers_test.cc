#include "pointsman/edge/ext_proc/headers.h"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

TEST(SystemOwned, IsTheListOfTheSpecificationInAnyCase) {
  for (const std::string_view name : {"x-llm-d-inference-fairness-id",
                                      "x-gateway-inference-fairness-id",
                                      "x-llm-d-inference-objective",
                                      "x-gateway-inference-objective",
                                      "x-llm-d-model-name-rewrite",
                                      "x-gateway-model-name-rewrite",
                                      "x-llm-d-slo-ttft-ms",
                                      "x-slo-ttft-ms",
                                      "x-llm-d-slo-tpot-ms",
                                      "x-slo-tpot-ms",
                                      "x-llm-d-video-fps",
                                      "x-llm-d-video-duration-seconds",
                                      "x-llm-d-video-resolution",
                                      "x-gateway-destination-endpoint-subset",
                                      "x-gateway-destination-endpoint",
                                      "x-gateway-destination-endpoint-served",
                                      "x-llm-d-request-dropped-reason",
                                      "content-length",
                                      "Content-Length",
                                      "X-GATEWAY-DESTINATION-ENDPOINT"}) {
    EXPECT_TRUE(is_system_owned(name)) << name;
  }
  for (const std::string_view name : {"x-request-id", "prefer", "", ":path", "content-type",
                                      "x-gateway-destination-endpoint-scores"}) {
    EXPECT_FALSE(is_system_owned(name)) << name;
  }
}

TEST(ClientControlHeaders, AreRemovedOnceEachExceptWhatIsOverwritten) {
  const std::vector<Header> received{{":path", "/"},
                                     {"x-llm-d-inference-objective", "a"},
                                     {"X-Slo-Ttft-Ms", "5"},
                                     {"x-llm-d-inference-objective", "b"},
                                     {"x-gateway-destination-endpoint", "1.1.1.1:666"},
                                     {"x-gateway-destination-endpoint-subset", "[]"},
                                     {"content-length", "99999"},
                                     {"x-user-data", "u"}};
  std::vector<std::string_view> removed{"left over"};
  client_control_headers(received, removed);
  EXPECT_EQ(removed, (std::vector<std::string_view>{"x-llm-d-inference-objective", "X-Slo-Ttft-Ms",
                                                    "x-gateway-destination-endpoint-subset"}));
}

TEST(EchoableHeaders, LeaveOutOwnedTracedAndRepeatedOnes) {
  const std::vector<Header> received{
      {":path", "/v1/completions"}, {"cookie", "a"},  {"x-gateway-inference-objective", "o"},
      {"traceparent", "00-client"}, {"Baggage", "b"}, {"Cookie", "c"},
      {"x-user-data", "u"}};
  std::vector<Header> echo;
  echoable_headers(received, echo);
  ASSERT_EQ(echo.size(), 2U);
  EXPECT_EQ(echo[0].name, ":path");
  EXPECT_EQ(echo[1].name, "x-user-data");
  EXPECT_EQ(echo[1].value, "u");
}

}  // namespace
}  // namespace pointsman
