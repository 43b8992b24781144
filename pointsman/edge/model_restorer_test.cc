#include "pointsman/edge/model_restorer.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

// The answer, cut into pieces of `size` bytes.
std::string restored(std::string_view text, std::size_t size,
                     std::string_view target = "vllm-backend-01",
                     std::string_view incoming = "gpt-4-proxy",
                     std::string_view json = "\"gpt-4-proxy\"") {
  ModelRestorer restorer;
  restorer.begin(target, incoming, json);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += size) {
    out += restorer.pass(text.substr(at, size), false);
  }
  return out.append(restorer.pass({}, true));
}

// spec/03 section 4.5, its vectors and what the reference misses.
TEST(ModelRestorer, ReplacesTheNameHoweverTheTextIsCut) {
  const std::vector<std::pair<std::string, std::string>> vectors{
      {R"({"id":"cmpl-123","model":"vllm-backend-01","choices":[]})",
       R"({"id":"cmpl-123","model":"gpt-4-proxy","choices":[]})"},
      {"data: {\"id\":\"cmpl-123\",\"model\":\"vllm-backend-01\",\"choices\":[]}\n\n",
       "data: {\"id\":\"cmpl-123\",\"model\":\"gpt-4-proxy\",\"choices\":[]}\n\n"},
      {R"({"model": "vllm-backend-01"})", R"({"model": "gpt-4-proxy"})"},
      {R"({"id":"cmpl-123","choices":[]})", R"({"id":"cmpl-123","choices":[]})"},
      {"data: [DONE]\n", "data: [DONE]\n"},
      {R"({"model":"vllm-backend-01"}{"model" : "vllm-backend-01"})",
       R"({"model":"gpt-4-proxy"}{"model" : "gpt-4-proxy"})"},
      {R"({"model":"vllm-backend-012"})", R"({"model":"vllm-backend-012"})"},
      {R"({"model":"vllm-backend-0"})", R"({"model":"vllm-backend-0"})"},
      {R"({"model":"model","model":"vllm-backend-01"})",
       R"({"model":"model","model":"gpt-4-proxy"})"},
      {R"({"model","model":"vllm-backend-01)", R"({"model","model":"vllm-backend-01)"},
      {R"({"text":"a \"model\":\"vllm-backend-01\" b"})",
       R"({"text":"a \"model\":\"vllm-backend-01\" b"})"},
      {R"(""model":"vllm-backend-01")", R"(""model":"gpt-4-proxy")"},
      {R"("mod)", R"("mod)"},
      {"", ""}};
  for (const auto& [text, expected] : vectors) {
    for (std::size_t size = 1; size <= text.size() + 1; ++size) {
      EXPECT_EQ(restored(text, size), expected) << size;
    }
  }
}

TEST(ModelRestorer, KnowsEscapedNames) {
  EXPECT_EQ(restored(R"({"model":"org\/name"})", 3, "org/name", "m", "\"m\""), R"({"model":"m"})");
  EXPECT_EQ(restored(R"({"model":"org/name"})", 3, "org/name", "m", "\"m\""), R"({"model":"m"})");
}

TEST(ModelRestorer, LeavesEverythingAloneWithoutTwoNames) {
  const std::string text = R"({"model":"a"})";
  for (const auto& [target, incoming] :
       std::vector<std::pair<std::string, std::string>>{{"a", "a"}, {"", "b"}, {"a", ""}}) {
    EXPECT_EQ(restored(text, 4, target, incoming, "\"b\""), text);
  }
  ModelRestorer unused;
  EXPECT_EQ(unused.pass(text, false).data(), text.data());
}

TEST(ModelRestorer, IsForJsonAndEventStreamsThatAreNotCompressed) {
  EXPECT_TRUE(may_restore_model("", ""));
  EXPECT_TRUE(may_restore_model("application/json; charset=utf-8", "identity"));
  EXPECT_TRUE(may_restore_model("text/event-stream", ""));
  EXPECT_FALSE(may_restore_model("application/grpc", ""));
  EXPECT_FALSE(may_restore_model("audio/mpeg", ""));
  EXPECT_FALSE(may_restore_model("application/json", "gzip"));
}

TEST(ModelRestorer, CopiesNothingWhenThereIsNothingToReplace) {
  ModelRestorer restorer;
  restorer.begin("a", "b", "\"b\"");
  const std::string text = "data: {\"choices\":[]}\n\n";
  EXPECT_EQ(restorer.pass(text, false).data(), text.data());
}

TEST(ModelRestorer, HoldsBackLittle) {
  ModelRestorer restorer;
  restorer.begin("a", "b", "\"b\"");
  const std::string text = "\"model\"" + std::string(10'000, ' ');
  EXPECT_GT(restorer.pass(text, false).size(), 9'000U);
}

}  // namespace
}  // namespace pointsman
