#include "pointsman/plugins/parsers/usage_reader.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

struct Seen {
  std::int64_t prompt = -1;
  std::int64_t output = -1;
  std::int64_t total = -1;
  std::int64_t cached = -1;
  std::uint64_t events = 0;

  bool operator==(const Seen&) const = default;
  friend void PrintTo(const Seen& seen, std::ostream* out) {
    *out << seen.prompt << "," << seen.output << "," << seen.total << "," << seen.cached << " "
         << seen.events << " events";
  }
};

Seen seen(ResponseApi api, bool sse, const std::vector<std::string_view>& chunks) {
  ResponseProgress progress;
  for (const std::string_view chunk : chunks) read_response(api, chunk, sse, false, progress);
  read_response(api, {}, sse, true, progress);
  const Usage& usage = progress.usage;
  return {usage.prompt, usage.output, usage.total, usage.cached, progress.events};
}

Seen stream(const std::vector<std::string_view>& chunks) {
  return seen(ResponseApi::openai, true, chunks);
}
Seen whole(const std::vector<std::string_view>& chunks) {
  return seen(ResponseApi::openai, false, chunks);
}
Seen anthropic(const std::vector<std::string_view>& chunks) {
  return seen(ResponseApi::anthropic, true, chunks);
}

TEST(OpenAiStream, ReadsUsageAndCountsEvents) {
  EXPECT_EQ(stream({"data: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":10,"
                    "\"total_tokens\":17}}\n"}),
            (Seen{7, 10, 17, -1, 1}));
  EXPECT_EQ(stream({"data: {\"usage\":{\"prompt_tokens\":10,\"prompt_tokens_details\":"
                    "{\"cached_tokens\":10}}}\ndata: [DONE]"}),
            (Seen{10, -1, 10, 10, 1}));
  EXPECT_EQ(stream({R"(data: {"choices":[{"text":"hello"}]})"}), (Seen{.events = 1}));
  EXPECT_EQ(stream({R"(data: {"choices":[{"delta":{"content":"usage"}}]})"}), (Seen{.events = 1}));
  EXPECT_EQ(stream({"data: [DONE]"}), Seen{});
  EXPECT_EQ(stream({"data: {\"choices\":[{\"text\":\"a\"}]}\r\ndata: [DONE]\r\n"}),
            (Seen{.events = 1}));
  EXPECT_EQ(stream({"data: {\"choices\":[{\"text\":\"a\"}]}\ndata: {\"cho"}), (Seen{.events = 2}));
  EXPECT_EQ(stream({R"(ta: {"choices":[{"text":"b"}]})"}), Seen{});
  EXPECT_EQ(stream({"data: [DO"}), (Seen{.events = 1}));
}

TEST(OpenAiStream, ReadsUsageOfTheResponsesApi) {
  const auto event = [](std::string_view type, std::string_view usage) {
    return "event: x\ndata: {\"response\":{\"usage\":" + std::string(usage) + "},\"type\":\"" +
           std::string(type) + "\"}\n\n";
  };
  const std::string usage =
      R"({"input_tokens":31,"input_tokens_details":{"cached_tokens":16},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":34})";
  EXPECT_EQ(stream({event("response.completed", usage)}), (Seen{31, 3, 34, 16, 1}));
  EXPECT_EQ(stream({event("response.incomplete", usage)}), (Seen{31, 3, 34, 16, 1}));
  EXPECT_EQ(stream({event("response.in_progress", usage)}), (Seen{.events = 1}));
  EXPECT_EQ(stream({event("response.output_text.delta", "null"),
                    event("response.completed",
                          R"({"input_tokens":39,"output_tokens":10,"total_tokens":49})")}),
            (Seen{39, 10, 49, -1, 2}));
}

// As in spec/03 section 17.3.
TEST(OpenAiStream, ReadsEventsThatEndWithTheirChunk) {
  const std::string_view usage =
      "data: {\"usage\":{\"prompt_tokens\":7,\"total_tokens\":17,\"completion_tokens\":10}}\n"
      "data: [DONE]";
  EXPECT_EQ(stream({"data: {}", usage, ""}), (Seen{7, 10, 17, -1, 2}));
  EXPECT_EQ(stream({R"(data: {"text":")", "data: }", "\"}\n", usage}), (Seen{7, 10, 17, -1, 2}));
  EXPECT_EQ(stream({R"(data: {"text":"}")", "data: }\n"}), (Seen{.events = 1}));
}

TEST(OpenAiStream, ReadsEventsCutAnywhere) {
  const std::string text =
      "data: {\"choices\":[]}\n\n"
      "data: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":10,\"total_tokens\":17}}\n\n"
      "data: [DONE]\n\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string_view all = text;
    EXPECT_EQ(stream({all.substr(0, cut), all.substr(cut)}), (Seen{7, 10, 17, -1, 2})) << cut;
  }
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < text.size(); ++i)
    bytes.push_back(std::string_view(text).substr(i, 1));
  EXPECT_EQ(stream(bytes), (Seen{7, 10, 17, -1, 2}));
}

TEST(OpenAiStream, TakesDataWithoutASpace) {
  EXPECT_EQ(stream({"data:{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n"}),
            (Seen{1, 2, 3, -1, 1}));
}

TEST(OpenAiStream, KeepsTheLastOfGrowingUsage) {
  EXPECT_EQ(stream({"data: {\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1,"
                    "\"total_tokens\":6}}\n",
                    "data: {\"usage\":null}\n",
                    "data: {\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,"
                    "\"total_tokens\":7}}\n"}),
            (Seen{5, 2, 7, -1, 3}));
}

TEST(OpenAiStream, SurvivesWhatItCannotRead) {
  EXPECT_EQ(stream({"data: {\"usage\":{\"prompt_tokens\":}}\n"}), (Seen{.events = 1}));
  EXPECT_EQ(stream({"data: {\"usage\":5}\n", "data: {\"usage\":[]}\n", "data: \"usage\"\n"}),
            (Seen{.events = 3}));
  EXPECT_EQ(stream({"data: {\"usage\":{\"prompt_tokens\":\"12\",\"completion_tokens\":{}}}\n"}),
            (Seen{12, -1, 12, -1, 1}));
}

TEST(OpenAiStream, PassesOverALineThatIsTooLong) {
  ResponseProgress progress;
  const std::string piece(100'000, 'x');
  read_response(ResponseApi::openai, "data: {", true, false, progress);
  for (int i = 0; i < 30; ++i) {
    read_response(ResponseApi::openai, piece, true, false, progress);
    EXPECT_LE(progress.carry.size(), ResponseProgress::kMaxCarry);
  }
  read_response(ResponseApi::openai,
                "\"usage\":{\"prompt_tokens\":1}}\ndata: {\"usage\":{\"prompt_tokens\":2}}\n", true,
                true, progress);
  EXPECT_TRUE(progress.overflowed);
  EXPECT_EQ(progress.usage.prompt, 2);
  EXPECT_EQ(progress.events, 2U);
}

TEST(OpenAiAnswer, ReadsUsage) {
  EXPECT_EQ(whole({R"({"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}})"}),
            (Seen{10, 20, 30}));
  EXPECT_EQ(whole({R"({"usage":{"input_tokens":15,"output_tokens":25,"total_tokens":40}})"}),
            (Seen{15, 25, 40}));
  EXPECT_EQ(whole({R"({"usage":{"input_tokens":5,"output_tokens":5,"total_tokens":10}})"}),
            (Seen{5, 5, 10}));
  EXPECT_EQ(whole({R"({"usage":{"prompt_tokens":"1024","completion_tokens":2.9}})"}),
            (Seen{1024, 2, 1026}));
  EXPECT_EQ(whole({R"({"usage":{"prompt_tokens":4,"prompt_tokens_details":{"cached_tokens":3}}})"}),
            (Seen{4, -1, 4, 3}));
  for (const std::string_view body :
       {"{}", R"({"usage":null})", R"({"usage":5})", R"({"usage":[]})", "{malformed", "",
        R"({"a":{"usage":{"prompt_tokens":1}}})", R"({"id":"usage","x":{"prompt_tokens":1}})",
        R"(["usage",{"prompt_tokens":1}])", "}}}}]]]", R"({"usage" {"prompt_tokens":1}})",
        R"({"\"usage":{"prompt_tokens":1}})"}) {
    EXPECT_EQ(whole({body}), Seen{}) << body;
  }
}

TEST(OpenAiAnswer, LooksForCachedTokensInTheDetailsOnly) {
  EXPECT_EQ(whole({R"({"usage":{"prompt_tokens":4,"cached_tokens":3}})"}), (Seen{4, -1, 4, -1}));
  EXPECT_EQ(stream({"data: {\"usage\":{\"prompt_tokens\":4,\"cached_tokens\":3}}\n"}),
            (Seen{4, -1, 4, -1, 1}));
}

TEST(OpenAiAnswer, ReadsKeysWrittenWithEscapes) {
  const std::string text =
      R"({"id":"a\/b\"","\u0075sag\u0065":{"prompt_tok\u0065ns":7,"\u0063ompletion_tokens":3,)"
      R"("prompt_tokens_details":{"cach\u0065d_tokens":2}}})";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string_view all = text;
    EXPECT_EQ(whole({all.substr(0, cut), all.substr(cut)}), (Seen{7, 3, 10, 2})) << cut;
  }
  const std::string long_key = "\\u0075" + std::string(500, 'x');
  for (const std::string& other :
       {std::string(R"(\x75sage)"), std::string(R"(\u00)"), std::string(R"(usage\")"),
        std::string(R"(\uD83Dsage)"), long_key}) {
    EXPECT_EQ(whole({R"({")" + other + R"(":{"prompt_tokens":7}})"}), Seen{}) << other;
    EXPECT_EQ(whole({R"({"usage":{")" + other + R"(":7}})"}), Seen{}) << other;
  }
  EXPECT_EQ(stream({R"(data: {"usage":{"prompt_tok\u0065ns":7}})"}), (Seen{7, -1, 7, -1, 1}));
}

TEST(OpenAiAnswer, ReadsAnswersCutAnywhere) {
  const std::string text =
      R"({"id":"usage","choices":[{"text":"a } \" \\","usage":{"prompt_tokens":1}}], "usage" : )"
      R"({"prompt_tokens":10,"completion_tokens":20,"x":"}\"","total_tokens":30} ,"z":[1]})";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string_view all = text;
    EXPECT_EQ(whole({all.substr(0, cut), all.substr(cut)}), (Seen{10, 20, 30})) << cut;
  }
}

TEST(OpenAiAnswer, KeepsNothingOfALargeAnswer) {
  ResponseProgress progress;
  read_response(ResponseApi::openai, R"({"data":[")", false, false, progress);
  const std::string piece(1'000'000, 'x');
  for (int i = 0; i < 5; ++i) read_response(ResponseApi::openai, piece, false, false, progress);
  EXPECT_LT(progress.carry.capacity(), 1000U);
  read_response(ResponseApi::openai, R"("],"usage":{"prompt_tokens":3}})", false, true, progress);
  EXPECT_EQ(progress.usage.prompt, 3);
}

TEST(OpenAiAnswer, DropsAUsageThatIsTooLong) {
  ResponseProgress progress;
  read_response(ResponseApi::openai, R"({"usage":{"x":")", false, false, progress);
  const std::string piece(1'000'000, 'x');
  for (int i = 0; i < 5; ++i) read_response(ResponseApi::openai, piece, false, false, progress);
  EXPECT_TRUE(progress.overflowed);
  EXPECT_EQ(progress.carry.size(), 0U);
}

TEST(AnthropicStream, AddsUpUsage) {
  const auto event = [](std::string_view json) {
    return "event: e\ndata: " + std::string(json) + "\n\n";
  };
  const std::string start = event(
      R"({"type":"message_start","message":{"usage":{"input_tokens":25,"output_tokens":1}}})");
  const std::string content = event(R"({"type":"content_block_delta","delta":{"text":"x"}})");
  const std::string delta = event(R"({"type":"message_delta","usage":{"output_tokens":15}})");
  EXPECT_EQ(anthropic({start}), (Seen{25, -1, 25, -1, 1}));
  EXPECT_EQ(anthropic({delta}), (Seen{-1, 15, 15, -1, 1}));
  EXPECT_EQ(anthropic({start, content, delta}), (Seen{25, 15, 40, -1, 3}));
  EXPECT_EQ(anthropic({content, event(R"({"type":"message_stop"})")}), (Seen{.events = 2}));
  EXPECT_EQ(
      anthropic(
          {event(
               R"({"type":"message_start","message":{"usage":{"input_tokens":1000,"cache_read_input_tokens":800}}})"),
           content, event(R"({"type":"message_delta","usage":{"output_tokens":200}})"),
           event(R"({"type":"message_stop"})")}),
      (Seen{1000, 200, 1200, 800, 4}));
  EXPECT_EQ(
      anthropic({event(
          R"({"type":"message_delta","usage":{"input_tokens":7,"output_tokens":2,"cache_read_input_tokens":3}})")}),
      (Seen{7, 2, 9, 3, 1}));
}

TEST(AnthropicAnswer, ReadsUsage) {
  const auto answer = [](std::string_view body) {
    return seen(ResponseApi::anthropic, false, {body});
  };
  EXPECT_EQ(answer(R"({"usage":{"input_tokens":25,"output_tokens":15}})"), (Seen{25, 15, 40}));
  EXPECT_EQ(
      answer(R"({"usage":{"input_tokens":100,"output_tokens":50,"cache_read_input_tokens":80}})"),
      (Seen{100, 50, 150, 80}));
  EXPECT_EQ(answer(R"({"usage":"x"})"), Seen{});
}

TEST(AnthropicAnswer, CountsNumbersOnly) {
  EXPECT_EQ(
      seen(ResponseApi::anthropic, false,
           {R"({"usage":{"input_tokens":"25","output_tokens":15,"cache_read_input_tokens":"8"}})"}),
      (Seen{-1, 15, 15, -1}));
  EXPECT_EQ(anthropic({"data: {\"type\":\"message_delta\",\"usage\":{\"input_tokens\":{},"
                       "\"output_tokens\":[],\"cache_read_input_tokens\":true}}\n"}),
            (Seen{.events = 1}));
}

}  // namespace
}  // namespace pointsman
