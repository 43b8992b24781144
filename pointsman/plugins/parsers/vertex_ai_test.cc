#include "pointsman/plugins/parsers/vertex_ai.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/plugins/testing/grpc_bytes.h"
#include "pointsman/plugins/testing/parsing.h"

namespace pointsman {
namespace {

using testing::cut;
using testing::field;
using testing::frame;
using testing::hex;
using testing::Read;
using testing::usage;
using Prompts = std::vector<std::string>;
using Counts = std::vector<std::int64_t>;

const std::string kService = "/google.cloud.aiplatform.v1.PredictionService/";

const VertexAiParser kParser = testing::made<VertexAiParser>();

Read read(const std::string& method, const std::string& body) {
  return testing::read(kParser, kService + method, body);
}
// A request, or a response, with this JSON in its HttpBody.
std::string request(std::string_view json) {
  return frame(field(1, "endpoint") + field(2, field(1, "application/json") + field(2, json)));
}
std::string answer(std::string_view data) {
  return frame(field(2, data));
}

TEST(VertexAiParser, ReadsChatCompletions) {
  const Read got = read(
      "ChatCompletions",
      request(
          R"({"model":"m","messages":[{"role":"user","content":"Hello"}],"stream":true,"max_tokens":5})"));
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.prompts, Prompts{"userHello"});
  EXPECT_EQ(got.model, "m");
  EXPECT_EQ(got.cap, 5);
  EXPECT_TRUE(got.stream);
  EXPECT_FALSE(got.skip);
  EXPECT_FALSE(got.rewritable);
  EXPECT_EQ(got.model_value, "");
}

TEST(VertexAiParser, ReadsRawPredictAsResponses) {
  const std::string body =
      hex("00 00 00 00 26 12 24 12 22") + R"({"input":"Hello from raw predict"})";
  for (const char* method : {"RawPredict", "StreamRawPredict"}) {
    const Read got = read(method, body);
    EXPECT_EQ(got.error, "");
    EXPECT_EQ(got.prompts, Prompts{R"([{"input":"Hello from raw predict"}])"});
  }
}

TEST(VertexAiParser, SaysWhatIsWrong) {
  const std::string no_frame = "invalid or unsupported gRPC payload: ";
  EXPECT_EQ(read("ChatCompletions", hex("00 00 00 00")).error,
            no_frame + "invalid gRPC frame: expected at least 5 bytes for header, got 4");
  EXPECT_EQ(read("RawPredict", frame("x", '\1')).error,
            no_frame + "compressed gRPC payload is not supported");
  const std::string malformed = ": proto: cannot parse invalid wire-format data";
  EXPECT_EQ(read("ChatCompletions", hex("00 00 00 00 01 ff")).error,
            "unmarshaling ChatCompletionsRequest" + malformed);
  EXPECT_EQ(read("RawPredict", frame(field(2, "\xff"))).error,
            "unmarshaling RawPredictRequest" + malformed);
  EXPECT_EQ(read("StreamRawPredict", frame(field(1, "e"))).error,
            "StreamRawPredictRequest has no HttpBody");
  EXPECT_EQ(read("ChatCompletions", request("{}")).error,
            "parsing ChatCompletionsRequest: invalid chat completions request: must have valid "
            "messages field");
  EXPECT_EQ(read("ChatCompletions", frame(field(2, ""))).error,
            "parsing ChatCompletionsRequest: error unmarshaling request bodyMap: unexpected end of "
            "JSON input");
}

TEST(VertexAiParser, JoinsAnHttpBodyThatStandsInPieces) {
  const std::string json = field(2, R"({"input":"late"})");
  const std::string type = field(1, "application/json");
  const Prompts late{R"([{"input":"late"}])"};
  EXPECT_EQ(read("RawPredict", frame(field(2, json) + field(2, type))).prompts, late);
  EXPECT_EQ(read("RawPredict", frame(field(2, field(2, R"({"input":"early"})")) + field(2, json)))
                .prompts,
            late);
}

TEST(VertexAiParser, PassesOtherMethodsOn) {
  const Read got = read("Predict", "anything");
  EXPECT_EQ(got.error, "");
  EXPECT_TRUE(got.skip);
}

TEST(VertexAiParser, ReadsUsageOfAWholeAnswer) {
  const std::string json =
      R"({"id":"c","usage":{"prompt_tokens":7,"completion_tokens":10,"total_tokens":17}})";
  EXPECT_EQ(usage(kParser, 0, {answer(json)}), (Counts{7, 10, 17, -1}));
  EXPECT_EQ(usage(kParser, 0, cut(answer(json.substr(0, 30)) + answer(json.substr(30)), 9)),
            (Counts{7, 10, 17, -1}));
  EXPECT_EQ(usage(kParser, 0, {answer("no healthy upstream")}), (Counts{-1, -1, -1, -1}));
  EXPECT_EQ(usage(kParser, 0, {frame("\xff"), answer("")}), (Counts{-1, -1, -1, -1}));
}

// The reference never reads event streams here.
TEST(VertexAiParser, ReadsUsageOfAnEventStreamHoweverItIsCut) {
  const std::string events =
      "\r\nevent: response.completed\ndata: "
      "{\"type\":\"response.completed\",\"response\":{\"usage\":{"
      "\"input_tokens\":7,\"output_tokens\":10,\"total_tokens\":17}}}\n\ndata: [DONE]\n\n";
  for (const std::size_t size : {1UL, 13UL, 1000UL}) {
    std::string all;
    for (const std::string& piece : cut(events, size)) all += answer(piece);
    for (const std::size_t chunk : {1UL, 8UL, 100'000UL}) {
      EXPECT_EQ(usage(kParser, 0, cut(all, chunk)), (Counts{7, 10, 17, -1}))
          << size << " " << chunk;
    }
  }
}

}  // namespace
}  // namespace pointsman
