#include "pointsman/plugins/parsers/openai.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/plugins/parsers/openai_shapes.h"
#include "pointsman/plugins/testing/parsing.h"

namespace pointsman {
namespace {

using testing::Read;
using Prompts = std::vector<std::string>;

Read read(std::string_view path, std::string_view body) {
  return testing::read(testing::made<OpenAiParser>(), path, body);
}
Read chat(std::string_view body) {
  return read("/v1/chat/completions", body);
}
Read completions(std::string_view body) {
  return read("/v1/completions", body);
}

constexpr std::string_view kNoMessages =
    "invalid chat completions request: must have valid messages field";
constexpr std::string_view kNoPrompt = "invalid completions request: must have prompt field";

TEST(OpenAiParser, ReadsWhatEveryApiShares) {
  const Read got = chat(
      R"({"stream":true,"model":"a\/b","cache_salt":"s","messages":[{"role":"user","content":"hi"}]})");
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.model, "a/b");
  EXPECT_EQ(got.salt, "s");
  EXPECT_TRUE(got.stream);
  EXPECT_TRUE(got.rewritable);
  EXPECT_EQ(got.model_value, R"("a\/b")");
  EXPECT_EQ(got.prompts, Prompts{"userhi"});
  EXPECT_FALSE(got.skip);
}

TEST(OpenAiParser, TakesTheLastOfTwoEqualKeys) {
  const Read got = chat(
      R"({"model":"a","stream":true,"messages":[{"role":"x","content":"old"}],"messages":[{"role":"user","role":"tool","content":"old","content":"new"}],"stream":false,"model":"b"})");
  EXPECT_EQ(got.model, "b");
  EXPECT_EQ(got.model_value, R"("b")");
  EXPECT_FALSE(got.stream);
  EXPECT_EQ(got.prompts, Prompts{"toolnew"});
}

TEST(OpenAiParser, StreamsOnlyWhenTheValueIsTrue) {
  for (const std::string_view value : {"false", "1", R"("true")", "null", "[]"}) {
    EXPECT_FALSE(completions(R"({"prompt":"x","stream":)" + std::string(value) + "}").stream)
        << value;
  }
}

TEST(OpenAiParser, TakesTheModelOnlyFromAString) {
  const Read got = completions(R"({"prompt":"x","model":12})");
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.model, "");
  EXPECT_EQ(got.model_value, "12");
  EXPECT_EQ(completions(R"({"prompt":"x"})").model_value, "");
  EXPECT_EQ(completions("{\"prompt\":\"x\",\"model\":\"a\xFF\"}").model, "a\uFFFD");
}

TEST(OpenAiParser, ReadsTheOutputCap) {
  using Row = std::pair<std::string, std::optional<std::int64_t>>;
  for (const auto& [fields, cap] :
       std::vector<Row>{{R"("max_tokens":64)", 64},
                        {R"("max_tokens":0)", 0},
                        {R"("max_tokens":1e3)", 1000},
                        {R"("max_tokens":-1)", std::nullopt},
                        {R"("max_tokens":1.5)", std::nullopt},
                        {R"("max_tokens":"64")", std::nullopt},
                        {R"("max_tokens":1e300)", std::nullopt},
                        {R"("max_completion_tokens":100,"max_tokens":50)", 100},
                        {R"("max_tokens":50,"max_completion_tokens":100)", 100},
                        {R"("max_completion_tokens":-1,"max_tokens":50)", 50},
                        {R"("max_completion_tokens":"bad","max_tokens":50)", 50}}) {
    EXPECT_EQ(chat(R"({"messages":[{}],)" + fields + "}").cap, cap) << fields;
  }
  EXPECT_EQ(completions(R"({"prompt":"x","max_completion_tokens":5})").cap, std::nullopt);
  EXPECT_EQ(read("/v1/responses", R"({"input":"x","max_output_tokens":5})").cap, 5);
  EXPECT_EQ(read("/v1/embeddings", R"({"input":"x","max_tokens":5})").cap, std::nullopt);
}

TEST(OpenAiParser, PutsToolsThenEachRoleThenItsContentIntoThePrompt) {
  const Read got = chat(
      R"({"messages":[{"content":"Be \"brief\"","role":"system"},{"role":"user","content":[{"type":"text","text":"A"},{"type":"text","text":"B\n"}]},{"role":"assistant","content":null,"tool_calls":[]}],"tools":[{"a" : 1}]})");
  EXPECT_EQ(got.prompts, Prompts{"[{\"a\" : 1}]systemBe \"brief\"userAB\nassistant"});
}

TEST(OpenAiParser, KeepsMediaInTheirPlace) {
  const Read got = chat(
      R"({"messages":[{"role":"user","content":[{"type":"text","text":"What?"},{"image_url":{"url":"https:\/\/e.com/c.png"},"type":"image_url"},{"type":"input_audio","input_audio":{"data":"QUJD","format":"wav"}},{"type":"video_url","video_url":{"url":"v"}},{"type":"other","text":"no"},{"type":"text","text":"end"}]}]})");
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.prompts, Prompts{"userWhat?<image https://e.com/c.png><audio QUJD><video v>end"});
}

TEST(OpenAiParser, AcceptsTheChatFieldsOfModelServers) {
  for (
      const std::string_view fields :
      {R"("tools":[],"documents":[{}],"chat_template":"t","return_assistant_tokens_mask":true,"continue_final_message":false,"add_generation_prompt":true,"chat_template_kwargs":{"a":1},"cache_salt":"s")",
       R"("tools":null,"documents":null,"chat_template":null,"continue_final_message":null,"cache_salt":null)",
       R"("unknown":[{"deep":[1,2,{"x":"y"}]}])"}) {
    EXPECT_EQ(
        chat(R"({"messages":[{"role":"user","content":"x"}],)" + std::string(fields) + "}").error,
        "")
        << fields;
  }
  EXPECT_EQ(chat(R"({"messages":[{"content":[{"type":"image_url","image_url":"u"}]}]})").prompts,
            Prompts{"<image u>"});
}

TEST(OpenAiParser, RefusesChatWithoutValidMessages) {
  for (const std::string_view body : {"{}",
                                      "null",
                                      R"({"messages":null})",
                                      R"({"messages":"invalid"})",
                                      R"({"messages":[]})",
                                      R"({"messages":[1]})",
                                      R"({"messages":[{"role":123}]})",
                                      R"({"messages":[{"content":123}]})",
                                      R"({"messages":[{"content":{}}]})",
                                      R"({"messages":[{"content":["x"]}]})",
                                      R"({"messages":[{"content":[{"type":5}]}]})",
                                      R"({"messages":[{"content":[{"text":5}]}]})",
                                      R"({"messages":[{"content":[{"image_url":5}]}]})",
                                      R"({"messages":[{"tool_calls":"x"}]})",
                                      R"({"messages":[{}],"tools":"x"})",
                                      R"({"messages":[{}],"documents":"x"})",
                                      R"({"messages":[{}],"chat_template":123})",
                                      R"({"messages":[{}],"chat_template_kwargs":"x"})",
                                      R"({"messages":[{}],"add_generation_prompt":"x"})",
                                      R"({"messages":[{}],"continue_final_message":"x"})",
                                      R"({"messages":[{}],"return_assistant_tokens_mask":"x"})",
                                      R"({"messages":[{}],"cache_salt":5})"}) {
    EXPECT_EQ(chat(body).error, kNoMessages) << body;
  }
}

TEST(OpenAiParser, ReadsEveryFormOfPrompt) {
  EXPECT_EQ(completions(R"({"prompt":"hello world"})").prompts, Prompts{"hello world"});
  EXPECT_EQ(completions(R"({"prompt":["hello"]})").prompts, Prompts{"hello"});
  EXPECT_EQ(completions(R"({"prompt":["hello","world"]})").prompts, (Prompts{"hello", "world"}));
  EXPECT_EQ(completions(R"({"prompt":[1,2.0,3e0,4294967295]})").prompts,
            Prompts{"[1][2][3][4294967295]"});
}

TEST(OpenAiParser, RoutesLegalPromptsThatTheReferenceRefuses) {
  EXPECT_EQ(completions(R"({"prompt":[[1,2],[],[3,4]]})").prompts, (Prompts{"[1 2]", "", "[3 4]"}));
  EXPECT_EQ(completions(R"({"prompt_embeds":"QUJD"})").error, "");
  EXPECT_EQ(completions(R"({"prompt":null,"prompt_embeds":["QUJD"]})").prompts, Prompts{});
}

TEST(OpenAiParser, RefusesPromptsThatNoServerTakes) {
  for (const std::string_view body :
       {"{}", "null", R"({"prompt":123})", R"({"prompt":{"key":"value"}})", R"({"prompt":[]})",
        R"({"prompt":""})", R"({"prompt":null})", R"({"prompt":[1.5,2.7]})", R"({"prompt":[-1]})",
        R"({"prompt":[4294967296]})", R"({"prompt":[1,"a"]})", R"({"prompt":["a",1]})",
        R"({"prompt":["a",["b"]]})", R"({"prompt":[null]})", R"({"prompt":[{}]})",
        R"({"prompt":[[1],2]})", R"({"prompt":[["a"]]})", R"({"prompt":"x","cache_salt":1})"}) {
    EXPECT_EQ(completions(body).error, kNoPrompt) << body;
  }
}

TEST(OpenAiParser, ReadsThousandsOfTokenIds) {
  std::string body = R"({"prompt":[0)";
  std::string expected = "0";
  for (int id = 1; id < 5000; ++id) {
    body += ", " + std::to_string(id * 7);
    expected += " " + std::to_string(id * 7);
  }
  std::string shown = completions(body + "]}").prompts.at(0);
  std::string plain;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (shown[i] == ']' && i + 1 < shown.size()) plain += ' ';
    if (shown[i] != '[' && shown[i] != ']') plain += shown[i];
  }
  EXPECT_EQ(plain, expected);
}

TEST(OpenAiParser, DoesNotFollowABodyOfCrumbsToItsEnd) {
  std::string texts = R"({"prompt":["a")";
  std::string messages = R"({"messages":[{})";
  for (std::size_t i = 0; i < 2 * PartList::kMax; ++i) {
    texts += R"(,"a")";
    messages += R"(,{"role":"user","content":"b"})";
  }
  EXPECT_EQ(completions(texts + "]}").prompts.size(), TextOrTokens::kMaxPrompts);
  const Read got = chat(messages + "]}");
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.prompts.at(0).size(), (PartList::kMax - 2) / 2 * 5);
}

TEST(OpenAiParser, ReadsEmbeddings) {
  const auto embeddings = [](std::string_view body) { return read("/v1/embeddings", body); };
  EXPECT_EQ(embeddings(R"({"input":"a\nb"})").prompts, Prompts{R"("a\nb")"});
  EXPECT_EQ(embeddings(R"({"input":["a","b"]})").prompts, Prompts{R"(["a","b"])"});
  EXPECT_EQ(embeddings(R"({"input":[1,2]})").prompts, Prompts{"[1 2]"});
  EXPECT_EQ(embeddings(R"({"input":[[1],[2]]})").prompts, (Prompts{"[1]", "[2]"}));
  EXPECT_EQ(embeddings(R"({"messages":[{"role":"user","content":"x"}]})").error, "");
  for (const std::string_view body :
       {"{}", R"({"input":null})", R"({"input":""})", R"({"input":[]})", R"({"input":5})"}) {
    EXPECT_EQ(embeddings(body).error, "invalid embeddings request: must have input field") << body;
  }
}

TEST(OpenAiParser, ReadsResponses) {
  const auto responses = [](std::string_view body) { return read("/v1/responses", body); };
  EXPECT_EQ(responses(R"({"input":"x"})").prompts, Prompts{R"([{"input":"x"}])"});
  EXPECT_EQ(responses(R"({"input":[{"role":"user"}],"tools":[],"instructions":"i"})").prompts,
            Prompts{R"([{"instructions":"i"},{"tools":[]},{"input":[{"role":"user"}]}])"});
  EXPECT_EQ(responses(R"({"input":null})").error,
            "invalid responses request: must have input field");
}

TEST(OpenAiParser, ReadsConversations) {
  const auto conversations = [](std::string_view body) { return read("/v1/conversations", body); };
  EXPECT_EQ(conversations(R"({"items":[{"type":"message","content":5}],"metadata":{}})").prompts,
            Prompts{R"([{"type":"message","content":5}])"});
  for (const std::string_view body :
       {"{}", R"({"items":[]})", R"({"items":"x"})", R"({"items":[{"role":5}]})"}) {
    EXPECT_EQ(conversations(body).error, "invalid conversations request: must have items field")
        << body;
  }
}

TEST(OpenAiParser, ReadsImageRequestsWithoutAPromptSignal) {
  const auto images = [](std::string_view body) {
    return read("/openai/v1/images/generations", body);
  };
  const Read got = images(
      R"({"prompt":"a cat","n":1,"size":"1x1","num_inference_steps":4,"negative_prompt":"x","guidance_scale":7.5})");
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.model, "");
  EXPECT_EQ(got.prompts, Prompts{});
  for (const std::string_view body : {"{}", R"({"prompt":""})", R"({"prompt":"x","n":1.5})",
                                      R"({"prompt":"x","n":1e0})", R"({"prompt":"x","size":5})"}) {
    EXPECT_EQ(images(body).error, "invalid images generations request: must have prompt field")
        << body;
  }
}

TEST(OpenAiParser, ChoosesTheApiByPath) {
  const auto lacks = [](std::string_view path) { return read(path, "{}").error; };
  EXPECT_EQ(lacks("/v1/chat/completions/render/"), kNoMessages);
  EXPECT_EQ(lacks("/v1/completions/render"), kNoPrompt);
  EXPECT_EQ(lacks("/anything"), kNoPrompt);
  EXPECT_EQ(lacks("/openai/deployments/x/chat/completions"), kNoMessages);
}

TEST(OpenAiParser, SaysWhyABodyIsNoJsonObject) {
  const std::string prefix = "error unmarshaling request bodyMap: ";
  EXPECT_EQ(completions(R"({"prompt":"x")").error, prefix + "unexpected end of JSON input");
  EXPECT_EQ(completions(R"({"prompt":"x"} y)").error,
            prefix + "invalid character 'y' after top-level value");
  EXPECT_EQ(completions(R"({"prompt":"x","skipped":[tru]})").error,
            prefix + "invalid character ']' in literal true (expecting 'e')");
  EXPECT_EQ(completions("[1]").error,
            prefix + "json: cannot unmarshal array into Go value of type map[string]interface {}");
  EXPECT_EQ(completions("true").error,
            prefix + "json: cannot unmarshal bool into Go value of type map[string]interface {}");
  // A number that no double can hold is told of only where values are read.
  EXPECT_EQ(completions("[1e400]").error,
            prefix + "json: cannot unmarshal array into Go value of type map[string]interface {}");
  EXPECT_EQ(completions("1e400").error,
            prefix + "json: cannot unmarshal number into Go value of type map[string]interface {}");
  EXPECT_EQ(completions(R"({"prompt":"x","a":1e400})").error,
            prefix + "json: cannot unmarshal number 1e400 into Go value of type float64");
  EXPECT_EQ(completions("[1e400}").error, prefix + "invalid character '}' after array element");
}

}  // namespace
}  // namespace pointsman
