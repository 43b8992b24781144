#include "pointsman/plugins/parsers/sglang_http.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/plugins/testing/grpc_bytes.h"
#include "pointsman/plugins/testing/parsing.h"

namespace pointsman {
namespace {

using testing::cut;
using testing::Read;
using testing::usage;
using Prompts = std::vector<std::string>;
using Counts = std::vector<std::int64_t>;

const SglangHttpParser kParser = testing::made<SglangHttpParser>();

Read generate(std::string_view body, std::string_view path = "/generate") {
  return testing::read(kParser, path, body);
}

TEST(SglangHttpParser, ReadsTokenIdsSaltCapAndStream) {
  const Read got = generate(
      R"({"model":"m","input_ids":[1,2,3],"extra_key":"tenant","stream":true,"sampling_params":{"max_new_tokens":7}})");
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.prompts, Prompts{"[1 2 3]"});
  EXPECT_EQ(got.salt, "tenant");
  EXPECT_EQ(got.cap, 7);
  EXPECT_TRUE(got.stream);
  // It goes on as it is, under no name.
  EXPECT_EQ(got.model, "");
  EXPECT_EQ(got.model_value, "");
  EXPECT_FALSE(got.rewritable);
}

TEST(SglangHttpParser, TakesNothingFromWhatItCannotRead) {
  for (const std::string_view params : {"5", "null", "{}", R"({"max_new_tokens":-1})",
                                        R"({"max_new_tokens":1.5})", R"({"max_new_tokens":"7"})"}) {
    const Read got =
        generate(R"({"input_ids":[1],"extra_key":null,"stream":null,"sampling_params":)" +
                 std::string(params) + "}");
    EXPECT_EQ(got.error, "") << params;
    EXPECT_EQ(got.cap, std::nullopt) << params;
    EXPECT_EQ(got.salt, "");
  }
  EXPECT_EQ(generate(R"({"input_ids":[1],"sampling_params":{"max_new_tokens":0}})").cap, 0);
}

// As Go reads an array of uint32.
TEST(SglangHttpParser, ReadsNullAsToken0) {
  EXPECT_EQ(generate(R"({"input_ids":[1,null,3]})").prompts, Prompts{"[1][0][3]"});
}

TEST(SglangHttpParser, SaysWhatIsWrong) {
  const std::string prefix = "invalid generate request: ";
  EXPECT_EQ(generate(R"({"input_ids":)").error, prefix + "unexpected end of JSON input");
  EXPECT_EQ(generate("{}").error, prefix + "input_ids must be provided");
  EXPECT_EQ(generate("null").error, prefix + "input_ids must be provided");
  EXPECT_EQ(generate(R"({"input_ids":null})").error, prefix + "input_ids must be provided");
  for (const std::string_view ids : {"[-1]", "[1.5]", "[4294967296]", "[[1]]", "[\"1\"]", "5",
                                     "\"1\"", "[1.0]", "[1,1e3]", "[-0]", "[true]"}) {
    EXPECT_EQ(generate(R"({"input_ids":)" + std::string(ids) + "}").error,
              prefix + "input_ids must be an array of uint32 integers")
        << ids;
  }
  EXPECT_EQ(generate(R"({"input_ids":[]})").error, prefix + "input_ids cannot be empty");
  EXPECT_EQ(generate(R"({"input_ids":[4294967295]})").error, "");
  // The salt is looked at before the ids.
  EXPECT_EQ(generate(R"({"input_ids":[-1],"extra_key":5})").error,
            "unsupported generate request: extra_key must be a string");
  EXPECT_EQ(generate(R"({"input_ids":[1],"stream":"yes"})").error,
            prefix + "json: cannot unmarshal string into Go struct field stream of type bool");
}

TEST(SglangHttpParser, ReadsOnlyItsOwnPath) {
  const std::string_view body = R"({"input_ids":[1]})";
  for (const std::string_view path : {"/generate", "/generate/", " generate "}) {
    EXPECT_EQ(generate(body, path).error, "") << path;
  }
  for (const std::string_view path : {"/regenerate", "/health_generate", "/prefix/generate",
                                      "/inference/v1/generate", "", " ", "/"}) {
    EXPECT_EQ(generate(body, path).error, "unsupported path: " + std::string(path));
  }
}

TEST(SglangHttpParser, ReadsUsageOfAWholeAnswer) {
  const auto whole = [](const std::string& info) {
    return usage(kParser, 0, cut(R"({"text":"meta_info","meta_info":)" + info + "}", 5));
  };
  EXPECT_EQ(whole(R"({"prompt_tokens":10,"completion_tokens":5,"finish_reason":null})"),
            (Counts{10, 5, 15, -1}));
  EXPECT_EQ(whole(R"({"prompt_tokens":8,"completion_tokens":3,"cached_tokens":2})"),
            (Counts{8, 3, 11, 2}));
  EXPECT_EQ(whole(R"({"id":"x","cached_tokens":2})"), (Counts{-1, -1, -1, -1}));
  EXPECT_EQ(whole("null"), (Counts{-1, -1, -1, -1}));
  EXPECT_EQ(usage(kParser, 0, {R"({"meta_info":)"}), (Counts{-1, -1, -1, -1}));
}

TEST(SglangHttpParser, ReadsUsageOfTheLastEvent) {
  const auto event = [](std::string_view reason, int output) {
    return R"(data: {"text":"finish_reason","meta_info":{"prompt_tokens":10,"completion_tokens":)" +
           std::to_string(output) + R"(,"finish_reason":)" + std::string(reason) + "}}\n\n";
  };
  EXPECT_EQ(usage(kParser, 0, {event("null", 2)}, true), (Counts{-1, -1, -1, -1}));
  EXPECT_EQ(usage(kParser, 0, {" \t" + event("{}", 5)}, true), (Counts{10, 5, 15, -1}));
  const std::string all = event("null", 2) + event(R"({"type":"stop"})", 5) + "data: [DONE]\n\n";
  for (const std::size_t size : {1UL, 17UL, 1000UL}) {
    EXPECT_EQ(usage(kParser, 0, cut(all, size), true), (Counts{10, 5, 15, -1})) << size;
  }
}

TEST(SglangHttpParser, KeepsTheFirstOfSeveralEndsOfAnEventStream) {
  const std::string_view first =
      R"(data: {"meta_info":{"prompt_tokens":10,"completion_tokens":5,"finish_reason":{}}})";
  const std::string_view second =
      R"(data: {"meta_info":{"prompt_tokens":20,"completion_tokens":6,"finish_reason":{}}})";
  const std::string all = std::string(first) + "\n" + std::string(second) + "\n";
  for (const std::size_t size : {1UL, 1000UL}) {
    EXPECT_EQ(usage(kParser, 0, cut(all, size), true), (Counts{10, 5, 15, -1})) << size;
  }
}

}  // namespace
}  // namespace pointsman
