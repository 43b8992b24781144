#include "pointsman/edge/control_headers.h"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

TEST(ControlHeaders, AreTheListOfTheSpecificationInAnyCase) {
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
                                      "x-prefiller-host-port",
                                      "x-encoder-hosts-ports",
                                      "x-data-parallel-host-port",
                                      "x-kv-cache-source-host-port",
                                      "x-gateway-destination-endpoint-subset",
                                      "x-gateway-destination-endpoint",
                                      "x-gateway-destination-endpoint-served",
                                      "x-llm-d-request-dropped-reason",
                                      "X-GATEWAY-DESTINATION-ENDPOINT"}) {
    EXPECT_TRUE(is_control_header(name)) << name;
  }
  for (const std::string_view name :
       {"x-request-id", "prefer", "", ":path", "content-type", "content-length", "traceparent",
        "x-gateway-destination-endpoint-scores"}) {
    EXPECT_FALSE(is_control_header(name)) << name;
  }
}

TEST(ControlHeaders, AreRemovedOnceEachExceptWhatIsOverwritten) {
  const std::vector<Header> received{{":path", "/"},
                                     {"x-llm-d-inference-objective", "a"},
                                     {"X-Slo-Ttft-Ms", "5"},
                                     {"x-llm-d-inference-objective", "b"},
                                     {"x-gateway-destination-endpoint", "1.1.1.1:666"},
                                     {"x-prefiller-host-port", "1.1.1.1:666"},
                                     {"x-gateway-destination-endpoint-subset", "[]"},
                                     {"content-length", "99999"},
                                     {"x-user-data", "u"}};
  std::vector<std::string_view> removed{"left over"};
  client_control_headers(received, removed);
  EXPECT_EQ(removed, (std::vector<std::string_view>{"x-llm-d-inference-objective", "X-Slo-Ttft-Ms",
                                                    "x-prefiller-host-port",
                                                    "x-gateway-destination-endpoint-subset"}));
}

}  // namespace
}  // namespace pointsman
