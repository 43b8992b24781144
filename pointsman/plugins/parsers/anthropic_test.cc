#include "pointsman/plugins/parsers/anthropic.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/plugins/testing/parsing.h"

namespace pointsman {
namespace {

using testing::Read;
using Prompts = std::vector<std::string>;

Read read(std::string_view path, std::string_view body) {
  return testing::read(testing::made<AnthropicParser>(), path, body);
}
Read messages(std::string_view body) {
  return read("/v1/messages", body);
}

TEST(AnthropicParser, PutsToolsSystemAndMessagesIntoThePrompt) {
  const Read got = messages(
      R"({"model":"claude","max_tokens":50,"stream":true,"cache_salt":"s","messages":[{"content":"Hi","role":"user"},{"role":"assistant","content":[{"type":"thinking","thinking":"Hm."},{"type":"tool_use","input":{"city": "Zurich"},"id":"toolu_01","name":"get_weather"}]},{"role":"user","content":[{"content":[{"type":"text","text":"Sunny"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}},{"type":"text","text":"22C"}],"type":"tool_result","tool_use_id":"toolu_01"}]}],"system":[{"type":"text","text":"x-anthropic-billing-header: 1"},{"type":"text","text":"Be kind."}],"tools":[{"name":"get_weather","input_schema":{"type": "object"}}]})");
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.model, "claude");
  EXPECT_EQ(got.cap, 50);
  EXPECT_EQ(got.salt, "s");
  EXPECT_TRUE(got.stream);
  EXPECT_TRUE(got.rewritable);
  EXPECT_EQ(got.prompts,
            Prompts{R"([{"name":"get_weather","input_schema":{"type": "object"}}])"
                    R"(Be kind.userHiassistantHm.toolu_01get_weather{"city": "Zurich"})"
                    "userSunny\n22C<image QUJD>"});
}

TEST(AnthropicParser, ReadsPlainContentAndImagesByUrl) {
  EXPECT_EQ(messages(R"({"system":"S","messages":[{"role":"user","content":"a\nb"}]})").prompts,
            Prompts{"Suser"
                    "a\nb"});
  EXPECT_EQ(
      messages(
          R"({"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"u"}},{"type":"text","text":"t"}]}]})")
          .prompts,
      Prompts{"user<image u>t"});
  EXPECT_EQ(
      messages(R"({"messages":[{"role":"user","content":[{"type":"tool_result","content":"r"}]}]})")
          .prompts,
      Prompts{"userr"});
}

TEST(AnthropicParser, SaysWhatIsWrong) {
  const std::string union_error =
      "error parsing messages request: anthropic content: must be a string or an array of content "
      "blocks";
  EXPECT_EQ(messages(R"({"messages":[{"content":5}]})").error, union_error);
  EXPECT_EQ(messages(R"({"messages":[{"content":[5]}]})").error, union_error);
  EXPECT_EQ(messages(R"({"messages":[{"content":[{"text":5}]}]})").error, union_error);
  EXPECT_EQ(messages(R"({"system":5,"messages":[{}]})").error, union_error);
  EXPECT_EQ(messages(R"({"messages":[{"role":5}]})").error,
            "error parsing messages request: json: cannot unmarshal number into Go struct field "
            "messages.role of type string");
  EXPECT_EQ(messages("{}").error, "invalid messages request: must have at least one message");
  EXPECT_EQ(messages(R"({"messages":[]})").error,
            "invalid messages request: must have at least one message");
  EXPECT_EQ(messages("{").error, "error unmarshaling request body: unexpected end of JSON input");
}

TEST(AnthropicParser, NamesTheFieldThatIsWrong) {
  const auto error = [](const std::string& tool) {
    return messages(R"({"messages":[{}],"tools":[{)" + tool + "}]}").error;
  };
  const std::string prefix = "error parsing messages request: json: cannot unmarshal ";
  const std::string into = " into Go struct field tools.";
  EXPECT_EQ(error(R"("name":5)"), prefix + "number" + into + "name of type string");
  EXPECT_EQ(error(R"("description":5)"), prefix + "number" + into + "description of type string");
  EXPECT_EQ(error(R"("strict":"x")"), prefix + "string" + into + "strict of type bool");
  EXPECT_EQ(error(R"("defer_loading":5)"), prefix + "number" + into + "defer_loading of type bool");
}

TEST(AnthropicParser, KnowsItsPathsWithATrailingSlash) {
  constexpr std::string_view kBody = R"({"messages":[{"role":"user","content":"x"}]})";
  EXPECT_EQ(read("/v1/messages/", kBody).error, "");
  EXPECT_EQ(read("/v1/other", kBody).error, "unsupported API endpoint: /v1/other");
}

TEST(AnthropicParser, PassesTokenCountsOnUnread) {
  for (const std::string_view body : {"", "not json", R"({"model":"m","messages":5})"}) {
    const Read got = read("/v1/messages/count_tokens", body);
    EXPECT_EQ(got.error, "") << body;
    EXPECT_TRUE(got.skip);
    EXPECT_EQ(got.prompts, Prompts{});
  }
  EXPECT_EQ(read("/v1/messages/count_tokens", R"({"model":"m","x":1})").model_value, R"("m")");
  EXPECT_EQ(read("/v1/messages/count_tokens", R"({"model":"m",)").model, "");
}

TEST(AnthropicParser, AsksForNoModelWhereTokensAreCounted) {
  for (const std::string_view body :
       {"{}", R"({"messages":[]})", R"({"model":5})", R"({"model":""})", "null", R"({"model":)"}) {
    const Read got = read("/v1/messages/count_tokens", body);
    EXPECT_EQ(got.error, "") << body;
    EXPECT_FALSE(got.rewritable) << body;
  }
  EXPECT_TRUE(read("/v1/messages/count_tokens", R"({"model":"m"})").rewritable);
  EXPECT_TRUE(messages(R"({"messages":[{}]})").rewritable) << "a rule may fill the model in";
}

}  // namespace
}  // namespace pointsman
