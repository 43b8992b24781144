#include "pointsman/plugins/producers/token_producer.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/config/yaml.h"
#include "pointsman/plugins/parsers/openai.h"
#include "pointsman/plugins/producers/token_stream.h"
#include "pointsman/plugins/testing/parsing.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using Tokens = std::vector<std::uint32_t>;

// A producer before a request that a parser has read.
struct Bench {
  testing::Scene scene{{{.name = "a"}}};
  std::shared_ptr<TokenProducer> producer;
  Cell<TokenizedPrompt> cell;
  std::string body;

  explicit Bench(const TokenProducerParams& params = {})
      : producer(testing::make<TokenProducer>(params, scene.table)) {
    Setup reader({"reader", "reader"}, {}, scene.table);
    cell = reader.reads_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"});
  }

  const TokenizedPrompt* read(std::string text, std::string_view path = "/v1/chat/completions") {
    body = std::move(text);
    scene.begin();
    scene.request.path = path;
    const auto parsed = testing::made<OpenAiParser>().parse(body, scene.request, scene.arena);
    EXPECT_TRUE(parsed.has_value()) << body;
    EXPECT_TRUE(producer->produce(scene.context(), {}, scene.signals).has_value());
    return scene.signals.read(cell);
  }

  // The tokens of the first prompt, written down.
  Tokens tokens(std::string text, std::string_view path = "/v1/chat/completions") {
    const TokenizedPrompt* const prompt = read(std::move(text), path);
    Tokens out;
    if (prompt == nullptr) return out;
    std::vector<char> buffer(4 + TokenStream::kSlack);
    TokenStream stream(prompt->prompts[0], 4, buffer);
    for (std::string_view token = stream.next(); !token.empty(); token = stream.next()) {
      std::uint32_t id = 0;
      std::copy(token.begin(), token.end(), reinterpret_cast<char*>(&id));
      out.push_back(id);
    }
    EXPECT_EQ(prompt->tokens, static_cast<std::int64_t>(out.size()));
    return out;
  }

  std::size_t video_tokens(std::vector<Header> headers = {}) {
    scene.request.headers = headers;
    const auto ids = tokens(
        R"({"messages":[{"content":[{"type":"video_url","video_url":{"url":"https://e.com/c.mp4"}}]}]})");
    scene.request.headers = {};
    return ids.size();
  }
};

std::string image_request(std::string_view url) {
  return R"({"messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":")" +
         std::string(url) + R"("}}]}]})";
}

TEST(TokenProducer, TakesFourBytesForAToken) {
  Bench bench;
  EXPECT_EQ(bench.tokens(R"({"prompt":"hello"})", "/v1/completions"), (Tokens{1819043176, 111}));
  EXPECT_EQ(bench.tokens(R"({"prompt":"hello world"})", "/v1/completions"),
            (Tokens{1819043176, 1870078063, 6581362}));
  EXPECT_EQ(bench.tokens(R"({"messages":[{"role":"user","content":"hi"}]})"),
            (Tokens{1919251317, 26984}));
  EXPECT_EQ(bench.tokens(R"({"prompt":[5,6,7]})", "/v1/completions"), (Tokens{5, 6, 7}));
}

TEST(TokenProducer, CountsAllPromptsTogether) {
  Bench bench;
  const auto* const prompt = bench.read(R"({"prompt":["hello","x",""]})", "/v1/completions");
  ASSERT_NE(prompt, nullptr);
  EXPECT_EQ(prompt->prompts.size(), 3U);
  EXPECT_EQ(prompt->tokens, 3);
}

TEST(TokenProducer, PublishesNothingWithoutAPrompt) {
  Bench bench;
  EXPECT_EQ(bench.read(R"({"prompt":"x"})", "/v1/images/generations"), nullptr);
}

TEST(TokenProducer, StandsInForAnImage) {
  Bench bench;
  const Tokens ids = bench.tokens(image_request("https://example.com/cat.png"));
  Tokens expected{1919251317, 1952540759, 544434464, 1936287860, 63};
  expected.insert(expected.end(), 225, 1605148516);
  EXPECT_EQ(ids, expected);
}

TEST(TokenProducer, ReadsTheSizeOfAnImage) {
  Bench bench;
  // A PNG of 64 x 32 pixels, as far as its size.
  EXPECT_EQ(bench
                .tokens(image_request("data:image/png;base64,"
                                      "iVBORw0KGgoAAAANSUhEUgAAAEAAAAAgCAYAAACinX6E"))
                .size(),
            5U + 2U);
}

TEST(TokenProducer, TakesAFixedCountPerImageWhenTold) {
  TokenProducerParams params;
  params.estimate.emplace().image = {.mode = "static", .fixed = {.tokens = 7}};
  EXPECT_EQ(Bench(params).tokens(image_request("https://e.com/c.png")).size(), 5U + 7U);
  params.estimate->image.fixed.tokens = 0;
  EXPECT_EQ(Bench(params).tokens(image_request("https://e.com/c.png")).size(), 5U + 1U);
}

TEST(TokenProducer, EstimatesVideos) {
  using Counts = FrameCount;
  Bench plain;
  EXPECT_EQ(plain.video_tokens(), 4500U);
  EXPECT_EQ(plain.video_tokens(
                {{"x-llm-d-video-resolution", "320x240"}, {"x-llm-d-video-duration-seconds", "3"}}),
            6U * 75U);
  EXPECT_EQ(plain.video_tokens({{"x-llm-d-video-resolution", "not-a-res"},
                                {"x-llm-d-video-duration-seconds", "-3"},
                                {"x-llm-d-video-fps", "100"}}),
            4500U);

  const auto with = [](VideoEstimate video) {
    TokenProducerParams params;
    params.estimate.emplace().video = std::move(video);
    return params;
  };
  const FrameTokens fixed{.mode = "static", .fixed = {.tokens = 256}};
  const FrameTokens one{.mode = "static", .fixed = {.tokens = 1}};
  const FrameTokens hundred{.mode = "static", .fixed = {.tokens = 100}};
  EXPECT_EQ(Bench(with({.default_resolution = {640, 480}})).video_tokens(), 6000U);
  EXPECT_EQ(Bench(with({.max_tokens = 500})).video_tokens(), 500U);
  EXPECT_EQ(Bench(with({.tokens_per_frame = fixed,
                        .frames = Counts{.mode = "strided", .max_frames = 16, .strided = {24, 4}}}))
                .video_tokens(),
            4096U);
  EXPECT_EQ(Bench(with({.tokens_per_frame = hundred,
                        .frames = Counts{.mode = "strided", .min_frames = 8, .strided = {24, 4}},
                        .default_duration = 1}))
                .video_tokens(),
            800U);
  Bench strided(
      with({.tokens_per_frame = one, .frames = Counts{.mode = "strided", .strided = {0, 2}}}));
  EXPECT_EQ(
      strided.video_tokens({{"x-llm-d-video-duration-seconds", "3"}, {"x-llm-d-video-fps", "30"}}),
      45U);
  Bench merged(
      with({.tokens_per_frame = one, .frames = Counts{.min_frames = 4, .sampled = {2, 2}}}));
  EXPECT_EQ(merged.video_tokens({{"x-llm-d-video-duration-seconds", "10"}}), 10U);
  EXPECT_EQ(merged.video_tokens({{"x-llm-d-video-duration-seconds", "1"}}), 2U);
  EXPECT_LE(merged.video_tokens({{"x-llm-d-video-duration-seconds", "1e300"}}), 1U << 20U);
}

TEST(Resolution, IsWidthByHeight) {
  const auto text = [](std::string_view value) {
    const auto found = parse_resolution(value);
    return found ? std::to_string(found->width) + "x" + std::to_string(found->height) : "none";
  };
  EXPECT_EQ(text("1920x1080"), "1920x1080");
  EXPECT_EQ(text("1280X720"), "1280x720");
  EXPECT_EQ(text(" 800 x 600 "), "800x600");
  for (const std::string_view bad : {"1920x", "0x0", "not-a-res", "", "x", "5", "1x2x3", "-1x5"}) {
    EXPECT_EQ(text(bad), "none") << bad;
  }
}

TEST(ImageResolution, IsReadFromTheHeadOfTheImage) {
  const auto text = [](std::string_view value) {
    const auto found = image_resolution(value);
    return found ? std::to_string(found->width) + "x" + std::to_string(found->height) : "none";
  };
  EXPECT_EQ(text("iVBORw0KGgoAAAANSUhEUgAAAEAAAAAgCAYAAACinX6E"), "64x32");
  EXPECT_EQ(text("R0lGODlhCgAUAIAAAP///////yH5"), "10x20");
  // JPEG: an APP0 segment of 16 bytes, then a start of frame of 16 rows and 32 columns.
  EXPECT_EQ(text("data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD/wAARCAAQACADASIAAhEBAxEB"),
            "32x16");
  for (const std::string_view bad : {"", "https://example.com/cat.png", "data:image/png,plain",
                                     "iVBORw0KGgo", "/9j/4AAQ", "/9j/AAAA", "R0lGODlh", "AAAA"}) {
    EXPECT_EQ(text(bad), "none") << bad;
  }
}

// The error of parameters written in YAML; empty when they are taken.
std::string error_of(std::string_view yaml) {
  const auto document = read_yaml(yaml);
  if (!document) return "YAML: " + document.error().text;
  const auto params = parse<TokenProducerParams>({"parameters", &document->root});
  return params ? "" : params.error().message;
}

TEST(TokenProducerParams, NameWhatIsNotInThisBuild) {
  const std::string prefix = "invalid configuration for 'token-producer' plugin: ";
  EXPECT_EQ(error_of("{}"), "");
  EXPECT_EQ(error_of("{estimate: {}}"), "");
  EXPECT_EQ(error_of("{estimate: {image: {mode: static, static: {staticToken: 5}, "
                     "defaultResolution: {width: 1, height: 2}, dynamic: {factor: 1024}}}}"),
            "");
  EXPECT_EQ(error_of("{udsTokenizerConfig: {}}"), "");
  EXPECT_EQ(error_of("{estimate: {}, vllm: {}}"),
            prefix + "only one of 'estimate', 'vllm', or 'udsTokenizerConfig' may be set");
  EXPECT_EQ(error_of("{vllm: {}}"), prefix + "'modelName' must be specified");
  EXPECT_EQ(error_of("{udsTokenizerConfig: {socketFile: /s}}"),
            prefix + "'modelName' must be specified");
  EXPECT_EQ(error_of("{estimate: {image: {mode: x}}}"),
            prefix + R"(estimate.image.mode must be "dynamic" or "static")");
  EXPECT_EQ(error_of("{estimate: {video: {tokensPerFrame: {mode: x}}}}"),
            prefix + R"(estimate.video.tokensPerFrame.mode must be "dynamic" or "static")");
  EXPECT_EQ(error_of("{estimate: {video: {frames: {mode: x}}}}"),
            prefix + R"(estimate.video.frames.mode must be "sampled" or "strided")");
  EXPECT_EQ(error_of("{modelName: m, vllm: {timeout: 5x}}"),
            prefix + R"(invalid 'timeout': time: unknown unit "x" in duration "5x")");
  EXPECT_EQ(
      error_of("{modelName: m}"),
      prefix + "this build has no vLLM render back end ('vllm', 'modelName'); only 'estimate'");
  EXPECT_EQ(error_of("{modelName: m, udsTokenizerConfig: {socketFile: /s}}"),
            prefix +
                "this build has no tokenizer over a Unix socket ('udsTokenizerConfig'); only "
                "'estimate'");
}

}  // namespace
}  // namespace pointsman
