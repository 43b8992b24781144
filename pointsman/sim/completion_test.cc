#include "pointsman/sim/completion.h"

#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

CompletionRequest parsed(CompletionKind kind, const std::string& body) {
  auto request = parse_completion(kind, body, {});
  if (request) return *std::move(request);
  ADD_FAILURE() << body << ": " << request.error().message;
  return {};
}

CompletionRequest chat(const std::string& members) {
  return parsed(CompletionKind::chat,
                R"({"messages":[{"role":"user","content":"hi there"}])" + members + "}");
}

CompletionRequest text(const std::string& prompt) {
  return parsed(CompletionKind::text, R"({"prompt":)" + prompt + "}");
}

std::string error(CompletionKind kind, const std::string& body) {
  const auto request = parse_completion(kind, body, {});
  return request ? "accepted" : request.error().message;
}

TEST(Completion, ReadsAChatRequest) {
  const auto request =
      chat(R"(,"model":"m","stream":true,"stream_options":{"include_usage":true},"max_tokens":5)");
  EXPECT_EQ(request.model, "m");
  EXPECT_TRUE(request.stream);
  EXPECT_TRUE(request.include_usage);
  EXPECT_EQ(request.prompt_tokens, 2U);
  EXPECT_EQ(request.work.prompt_tokens, 16U);  // 8 bytes of the 256 that 512 tokens take
  EXPECT_EQ(request.work.output_tokens, 5U);
}

TEST(Completion, TakesTheAnswersLengthFromTheTagThenTheLimitThenTheDefault) {
  const auto tagged = [](const std::string& members) {
    return parsed(CompletionKind::text, R"({"prompt":"hi<|output=343|>")" + members + "}");
  };
  EXPECT_EQ(tagged("").work.output_tokens, 343U);
  EXPECT_EQ(tagged(R"(,"max_tokens":4096)").work.output_tokens, 343U);
  EXPECT_EQ(tagged(R"(,"max_tokens":10)").work.output_tokens, 10U);
  EXPECT_EQ(chat(R"(,"max_tokens":1000)").work.output_tokens, 1000U);
  EXPECT_EQ(chat(R"(,"max_tokens":9,"max_completion_tokens":7)").work.output_tokens, 7U);
  EXPECT_EQ(chat("").work.output_tokens, 128U);
}

TEST(Completion, KnowsWhenTheLimitCutsTheAnswer) {
  EXPECT_FALSE(chat("").cut_by_limit);
  EXPECT_TRUE(chat(R"(,"max_tokens":5)").cut_by_limit);
  const std::string tagged = R"({"prompt":"hi<|output=6|>","max_tokens":)";
  EXPECT_TRUE(parsed(CompletionKind::text, tagged + "5}").cut_by_limit);
  EXPECT_FALSE(parsed(CompletionKind::text, tagged + "7}").cut_by_limit);
}

TEST(Completion, DoesNotCountTheTagAsPrompt) {
  EXPECT_EQ(text(R"("12345678<|output=343|>")").prompt_tokens, 2U);
}

TEST(Completion, ReadsTextPromptsInEveryFormThatHoldsOne) {
  EXPECT_EQ(text(R"("12345678")").prompt_tokens, 2U);
  EXPECT_EQ(text(R"(["12345678"])").prompt_tokens, 2U);
  EXPECT_EQ(text("[11,12,13]").prompt_tokens, 3U);
  EXPECT_EQ(text("[[11,12,13]]").prompt_tokens, 3U);
}

TEST(Completion, ReadsMessagesMadeOfParts) {
  const auto request =
      parsed(CompletionKind::chat,
             R"({"messages":[{"role":"system","content":"1234"},{"role":"user","content":[)"
             R"({"type":"text","text":"5678"},{"type":"image_url","image_url":{"url":"x"}},)"
             R"({"type":"text","text":"9<|output=3|>"}]}]})");
  EXPECT_EQ(request.prompt_tokens, 3U);
  EXPECT_EQ(request.work.output_tokens, 3U);
}

TEST(Completion, SharesThePrefixOfAConversation) {
  const std::string system = std::string(600, 's');
  const auto turn = [&](const std::string& rest) {
    return parsed(CompletionKind::chat,
                  R"({"messages":[{"role":"system","content":")" + system + R"("})" + rest + "]}")
        .work.blocks;
  };
  const auto first = turn(R"(,{"role":"user","content":")" + std::string(600, 'a') + "\"}");
  const auto second = turn(R"(,{"role":"user","content":")" + std::string(600, 'b') + "\"}");
  ASSERT_GE(first.size(), 3U);
  EXPECT_EQ(first[0], second[0]);
  EXPECT_EQ(first[1], second[1]);
  EXPECT_NE(first[2], second[2]);
}

TEST(Completion, SaysWhatIsWrong) {
  const auto in_chat = [](const std::string& members) {
    return error(CompletionKind::chat,
                 R"({"messages":[{"role":"user","content":"hi"}],)" + members + "}");
  };
  EXPECT_EQ(error(CompletionKind::chat, "{"),
            "Failed to read and parse request body, it is not a JSON object");
  EXPECT_EQ(error(CompletionKind::chat, "[1]"),
            "Failed to read and parse request body, it is not a JSON object");
  EXPECT_EQ(error(CompletionKind::chat, std::string(100'000, '[')),
            "Failed to read and parse request body, it is not a JSON object");
  EXPECT_EQ(error(CompletionKind::chat, R"({"messages":[]})"),
            "messages: at least one message is required");
  EXPECT_EQ(error(CompletionKind::chat, R"({"messages":[{"content":"hi"}]})"),
            "messages: every message needs a role");
  EXPECT_EQ(error(CompletionKind::chat, R"({"messages":[{"role":"user","content":""}]})"),
            "the prompt is empty");
  EXPECT_EQ(error(CompletionKind::text, "{}"), "prompt: field required");
  EXPECT_EQ(error(CompletionKind::text, R"({"prompt":["a","b"]})"),
            "prompt: must be one string or one list of token ids");
  EXPECT_EQ(in_chat(R"("max_tokens":0)"),
            "Max completion tokens and max tokens should be positive");
  EXPECT_EQ(in_chat(R"("n":0)"), "n must be at least 1");
  EXPECT_EQ(in_chat(R"("ignore_eos":true)"),
            "Ignore_eos is true but max_completion_tokens (or max_tokens) is not set");
  EXPECT_EQ(in_chat(R"("model":5)"), "model: must be a string");
}

TEST(Completion, RefusesADocumentThatIsNestedTooDeeply) {
  const std::string deep = R"({"messages":[{"role":"user","content":"hi"}],"x":)" +
                           std::string(100, '[') + std::string(100, ']') + "}";
  EXPECT_EQ(error(CompletionKind::chat, deep),
            "Failed to read and parse request body, it is not a JSON object");
}

}  // namespace
}  // namespace pointsman
