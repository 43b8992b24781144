#include "pointsman/plugins/parsers/vllm_http.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/plugins/testing/parsing.h"

namespace pointsman {
namespace {

using testing::Read;
using Prompts = std::vector<std::string>;

Read generate(std::string_view body, std::string_view path = "/inference/v1/generate") {
  return testing::read(testing::made<VllmHttpParser>(), path, body);
}

TEST(VllmHttpParser, ReadsTokenIdsAndSamplingParameters) {
  const Read got = generate(
      R"({"model":"m","token_ids":[1,2,3],"stream":true,"cache_salt":"s","sampling_params":{"temperature":0,"max_tokens":7},"features":{"mm_hashes":{"image":["abc123hash","def456hash"]},"mm_placeholders":{"image":[{"offset":1,"length":3},{"offset":4,"length":3}]}}})");
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.model, "m");
  EXPECT_EQ(got.cap, 7);
  EXPECT_EQ(got.salt, "s");
  EXPECT_TRUE(got.stream);
  EXPECT_EQ(got.prompts, Prompts{"[1 2 3]"});
}

TEST(VllmHttpParser, SaysWhichTokenIdIsWrong) {
  const std::string prefix = "invalid generate request: ";
  EXPECT_EQ(generate(R"({"token_ids":[1,2,-1]})").error, prefix + "token_ids[2]: invalid value -1");
  EXPECT_EQ(generate(R"({"token_ids":[2.5]})").error, prefix + "token_ids[0]: invalid value 2.5");
  EXPECT_EQ(generate(R"({"token_ids":[0,4294967296]})").error,
            prefix + "token_ids[1]: invalid value 4.294967296e+09");
  EXPECT_EQ(generate(R"({"token_ids":[4294967295]})").error, "");
  EXPECT_EQ(generate(R"({"token_ids":[]})").error, prefix + "must have non-empty token_ids field");
  EXPECT_EQ(generate("{}").error, prefix + "must have non-empty token_ids field");
  EXPECT_EQ(
      generate(R"({"token_ids":["a"]})").error,
      prefix + "json: cannot unmarshal string into Go struct field token_ids of type float64");
}

TEST(VllmHttpParser, GivesJsonErrorsBare) {
  EXPECT_EQ(generate("{").error, "unexpected end of JSON input");
  EXPECT_EQ(generate("[]").error,
            "json: cannot unmarshal array into Go value of type map[string]interface {}");
}

TEST(VllmHttpParser, ReadsOnlyItsOwnPath) {
  EXPECT_EQ(generate(R"({"prompt":"x"})", "/v1/completions").error,
            "unsupported path: /v1/completions");
  EXPECT_EQ(generate(R"({"token_ids":[1]})", "/inference/v1/generate/").error, "");
}

TEST(VllmHttpParser, ReadsOpenAiPathsWhereOldConfigurationsExpectIt) {
  const auto parser = make_vllmhttp_with_openai_paths();
  EXPECT_EQ(parser->paths().size(), kOpenAiPaths.size() + 1);
  EXPECT_EQ(testing::read(*parser, "/v1/completions", R"({"prompt":"x"})").prompts, Prompts{"x"});
  EXPECT_EQ(testing::read(*parser, "/inference/v1/generate", R"({"token_ids":[1]})").prompts,
            Prompts{"[1]"});
}

}  // namespace
}  // namespace pointsman
