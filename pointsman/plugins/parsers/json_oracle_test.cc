#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "pointsman/base/json_reader.h"
#include "pointsman/base/random.h"
#include "pointsman/plugins/parsers/anthropic.h"
#include "pointsman/plugins/parsers/openai.h"
#include "pointsman/plugins/parsers/vllm_http.h"
#include "pointsman/plugins/testing/parsing.h"

namespace pointsman {
namespace {

constexpr std::array<std::string_view, 5> kBodies{
    R"({"model":"m","messages":[{"role":"user","content":"a\n\"b\"\u00e9 \ud83d\ude00 text that is longer than one scan of sixty-four bytes, to be sure"},{"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{\"x\":1}"}}]}],"stream":true,"temperature":0.5,"max_tokens":1e2})",
    R"({"model":"m","messages":[{"content":[{"type":"text","text":"What?"},{"type":"image_url","image_url":{"url":"https://e.com/c.png"}}],"role":"user"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string"}}}}}]})",
    R"({"prompt":["a","b"],"max_tokens":-1,"logit_bias":{"5":-100.25},"cache_salt":"s\/t"})",
    R"({"prompt":[1,22,333,4444,55555,666666,7777777,88888888],"n":2,"stop":null,"x":[true,false,[],{}]})",
    R"({"system":[{"type":"text","text":"s"}],"max_tokens":5,"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"r"}]}]}],"token_ids":[1,2,3]})"};

// What the mutations are made of: the bytes that mean something in JSON, and some that do not.
constexpr std::string_view kBytes = "{}[]\",:\\u0019aeflnrstb-+.E \n\x01x/d8";

std::string mutated(std::string body, Random& random) {
  const auto place = [&] { return static_cast<std::size_t>(random.below(body.size() + 1)); };
  for (std::uint64_t i = random.below(4); i < 4; ++i) {
    const std::size_t at = place();
    switch (random.below(4)) {
      case 0:
        body.insert(at, 1, kBytes[random.below(kBytes.size())]);
        break;
      case 1:
        body.erase(at, 1 + random.below(3));
        break;
      case 2:
        if (at < body.size()) body[at] = kBytes[random.below(kBytes.size())];
        break;
      default:
        body.insert(at, body.substr(place(), random.below(12)));
    }
  }
  return body;
}

// Whether a well-known library finds it valid. It refuses half surrogate pairs, which Go replaces.
bool valid(std::string body) {
  for (std::size_t at = 0; (at = body.find("\\u", at)) != std::string::npos; at += 2) {
    if (at + 4 <= body.size() && (body[at + 2] | 0x20) == 'd') body[at + 2] = '0';
  }
  return nlohmann::json::accept(body);
}

TEST(JsonOracle, AgreesWithAnotherLibraryAboutValidity) {
  Random random(20'261'122);
  int accepted = 0;
  constexpr int kRounds = 20000;
  for (int round = 0; round < kRounds; ++round) {
    const std::string body = mutated(std::string(kBodies.at(random.below(kBodies.size()))), random);
    const std::vector<char> exact(body.begin(), body.end());
    JsonReader json({exact.data(), exact.size()});
    json.skip();
    const bool ours = json.finish();
    EXPECT_EQ(ours, valid(body)) << body << "\n" << json.error();
    accepted += ours ? 1 : 0;
  }
  EXPECT_GT(accepted, kRounds / 50);
  EXPECT_LT(accepted, kRounds / 2);
}

TEST(JsonOracle, NoParserTakesWhatIsNotValid) {
  Random random(7);
  const auto openai = testing::made<OpenAiParser>();
  const auto anthropic = testing::made<AnthropicParser>();
  const auto vllm = testing::made<VllmHttpParser>();
  for (int round = 0; round < 5000; ++round) {
    const std::string body = mutated(std::string(kBodies.at(random.below(kBodies.size()))), random);
    for (const auto& read : {testing::read(openai, "/v1/chat/completions", body),
                             testing::read(openai, "/v1/completions", body),
                             testing::read(openai, "/v1/responses", body),
                             testing::read(anthropic, "/v1/messages", body),
                             testing::read(vllm, "/inference/v1/generate", body)}) {
      EXPECT_TRUE(valid(body) || !read.error.empty()) << body;
    }
  }
}

TEST(JsonOracle, ReadsTheModelAndThePromptAsAnotherLibraryDoes) {
  Random random(99);
  const auto openai = testing::made<OpenAiParser>();
  int compared = 0;
  for (int round = 0; round < 5000; ++round) {
    const std::string body = mutated(std::string(kBodies[0]), random);
    const auto read = testing::read(openai, "/v1/chat/completions", body);
    if (!read.error.empty()) continue;
    const auto json = nlohmann::json::parse(body, nullptr, false);
    if (json.is_discarded()) continue;  // half a surrogate pair
    const auto model = json.find("model");
    const bool named = model != json.end() && model->is_string();
    EXPECT_EQ(read.model, named ? model->get<std::string>() : "") << body;
    std::string prompt;
    for (const auto& message : json["messages"]) {
      if (!message.is_object()) continue;
      for (const std::string key : {"role", "content"}) {
        if (message.contains(key) && message[key].is_string()) prompt += message[key];
      }
    }
    EXPECT_EQ(read.prompts, std::vector{prompt}) << body;
    ++compared;
  }
  EXPECT_GT(compared, 200);
}

}  // namespace
}  // namespace pointsman
