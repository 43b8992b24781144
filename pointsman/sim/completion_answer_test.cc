#include "pointsman/sim/completion_answer.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using nlohmann::json;

constexpr CompletionAnswer::Names kNames = {.request_id = "r-1", .model = "m", .created = 17};
constexpr Usage kUsage = {.prompt_tokens = 5, .completion_tokens = 2, .cached_tokens = 4};

// The JSON documents of a stream of events, without the end mark, which must be there.
std::vector<json> events(std::string_view stream) {
  std::vector<json> out;
  constexpr std::string_view kEnd = "data: [DONE]\n\n";
  EXPECT_TRUE(stream.ends_with(kEnd));
  stream.remove_suffix(kEnd.size());
  while (!stream.empty()) {
    EXPECT_TRUE(stream.starts_with("data: "));
    const std::size_t end = stream.find("\n\n");
    out.push_back(json::parse(stream.substr(6, end - 6)));
    stream.remove_prefix(end + 2);
  }
  return out;
}

std::vector<json> streamed(CompletionKind kind, const Usage* usage) {
  const CompletionAnswer answer(kind, kNames, 3);
  std::string out;
  answer.begin(out);
  answer.token(0, out);
  answer.token(1, out);
  answer.end("stop", usage, out);
  return events(out);
}

TEST(CompletionAnswer, StreamsAChatAsRoleTokensReasonAndUsage) {
  const auto chunks = streamed(CompletionKind::chat, &kUsage);
  ASSERT_EQ(chunks.size(), 5U);
  for (const json& chunk : chunks) {
    EXPECT_EQ(chunk["id"], "chatcmpl-r-1");
    EXPECT_EQ(chunk["object"], "chat.completion.chunk");
    EXPECT_EQ(chunk["model"], "m");
    EXPECT_EQ(chunk["created"], 17);
  }
  EXPECT_EQ(chunks[0]["choices"][0]["delta"]["role"], "assistant");
  EXPECT_FALSE(chunks[1]["choices"][0]["delta"]["content"].get<std::string>().empty());
  EXPECT_TRUE(chunks[1]["choices"][0]["finish_reason"].is_null());
  EXPECT_TRUE(chunks[1]["usage"].is_null());
  EXPECT_TRUE(chunks[2]["choices"][0]["delta"]["content"].get<std::string>().starts_with(" "));
  EXPECT_EQ(chunks[3]["choices"][0]["finish_reason"], "stop");
  EXPECT_TRUE(chunks[4]["choices"].empty());
  EXPECT_EQ(chunks[4]["usage"]["prompt_tokens_details"]["cached_tokens"], 4);
}

TEST(CompletionAnswer, StreamsATextWithoutRole) {
  const auto chunks = streamed(CompletionKind::text, nullptr);
  ASSERT_EQ(chunks.size(), 3U);
  EXPECT_EQ(chunks[0]["id"], "cmpl-r-1");
  EXPECT_EQ(chunks[0]["object"], "text_completion");
  EXPECT_FALSE(chunks[0]["choices"][0]["text"].get<std::string>().empty());
  EXPECT_EQ(chunks[2]["choices"][0]["text"], "");
  EXPECT_EQ(chunks[2]["choices"][0]["finish_reason"], "stop");
}

TEST(CompletionAnswer, GivesTheSameTextWholeAsStreamed) {
  std::string text;
  for (const json& chunk : streamed(CompletionKind::text, nullptr)) {
    text += chunk["choices"][0]["text"].get<std::string>();
  }
  const auto whole =
      json::parse(CompletionAnswer(CompletionKind::text, kNames, 3).whole("length", kUsage));
  EXPECT_EQ(whole["choices"][0]["text"], text);
  EXPECT_EQ(whole["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(whole["usage"], json::parse(R"({"prompt_tokens":5,"completion_tokens":2,
      "total_tokens":7,"prompt_tokens_details":{"cached_tokens":4}})"));

  const auto chat =
      json::parse(CompletionAnswer(CompletionKind::chat, kNames, 3).whole("stop", kUsage));
  EXPECT_EQ(chat["object"], "chat.completion");
  EXPECT_EQ(chat["choices"][0]["message"]["role"], "assistant");
  EXPECT_EQ(chat["choices"][0]["message"]["content"], text);
}

TEST(CompletionAnswer, SurvivesNamesThatAreNoCleanText) {
  const CompletionAnswer answer(CompletionKind::chat,
                                {.request_id = "a\"\n\xff", .model = "m\\", .created = 0}, 0);
  std::string out;
  answer.token(0, out);
  answer.end("stop", nullptr, out);
  EXPECT_EQ(events(out).at(0)["model"], "m\\");
}

TEST(ErrorBody, NamesTheTypeOfTheStatus) {
  EXPECT_EQ(error_body(404, "The model `x` does not exist.", "model"),
            R"({"error":{"message":"The model `x` does not exist.","type":"NotFoundError",)"
            R"("param":"model","code":404}})");
  const auto type = [](int status) {
    return json::parse(error_body(status, "m"))["error"]["type"].get<std::string>();
  };
  EXPECT_EQ(type(400), "BadRequestError");
  EXPECT_EQ(type(429), "RateLimitError");
  EXPECT_EQ(type(500), "InternalServerError");
  EXPECT_EQ(type(503), "InternalServerError");
  EXPECT_EQ(type(418), "APIConnectionError");
}

}  // namespace
}  // namespace pointsman
