#include "pointsman/stage/parser_table.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

class FakeParser final : public Parser {
 public:
  explicit FakeParser(std::vector<std::string_view> paths) : paths_(std::move(paths)) {}
  std::span<const std::string_view> paths() const override { return paths_; }
  Result<Parsed> parse(std::string_view, Request&, Arena&) const override { return Parsed{}; }
  void read(std::string_view, bool, bool, ResponseProgress&) const override {}

 private:
  std::vector<std::string_view> paths_;
};

ParserTable::Entry entry(std::string type, std::vector<std::string_view> paths) {
  std::string name = type;
  if (const auto dash = type.find('#'); dash != std::string::npos) type.resize(dash);
  return {{std::move(type), std::move(name)}, std::make_shared<FakeParser>(std::move(paths))};
}

// The name of the parser that reads the path, or the error.
std::string reader_of(const ParserTable& table, std::string_view path) {
  const auto parser = table.resolve(path);
  if (!parser) return parser.error().message;
  for (const auto& candidate : table.parsers()) {
    if (candidate.parser.get() == *parser) return candidate.name.name;
  }
  return "?";
}

std::vector<ParserTable::Entry> three() {
  return {entry("openai", {"v1/chat/completions", "v1/completions"}),
          entry("anthropic", {"/v1/messages/ "}),
          entry("vertex", {"PredictionService/ChatCompletions"})};
}

TEST(ParserTable, FindsTheParserBySuffix) {
  const auto table = *ParserTable::build(three());
  EXPECT_EQ(reader_of(table, "/v1/chat/completions"), "openai");
  EXPECT_EQ(reader_of(table, "/v1/messages"), "anthropic");
  EXPECT_EQ(reader_of(table, "/v1/messages/"), "anthropic");
  EXPECT_EQ(reader_of(table, "/google.cloud.aiplatform.v1beta1.PredictionService/ChatCompletions"),
            "vertex");
  EXPECT_EQ(reader_of(table, "/unknown/path"),
            "no parser registered matching path suffix for: /unknown/path");
}

TEST(ParserTable, FallsBackToTheFirstParserWithoutPaths) {
  auto parsers = three();
  parsers.push_back(entry("passthrough", {}));
  parsers.push_back(entry("late", {"unknown/path"}));
  const auto table = *ParserTable::build(std::move(parsers));
  EXPECT_EQ(reader_of(table, "/unknown/path"), "passthrough");
  EXPECT_EQ(table.parsers().size(), 4U);
  ASSERT_EQ(table.warnings().size(), 1U);
  EXPECT_NE(table.warnings()[0].find("late"), std::string::npos);
}

TEST(ParserTable, PrefersTheLongestSuffixThenTheFirst) {
  for (const bool swapped : {false, true}) {
    std::vector<ParserTable::Entry> parsers{entry("sglang", {"generate"}),
                                            entry("vllm", {"inference/v1/generate"})};
    if (swapped) std::swap(parsers[0], parsers[1]);
    const auto table = *ParserTable::build(std::move(parsers));
    EXPECT_EQ(reader_of(table, "/inference/v1/generate"), "vllm");
    EXPECT_EQ(reader_of(table, "/generate"), "sglang");
  }
  const auto table = *ParserTable::build({entry("a", {"x"}), entry("b", {"x"})});
  EXPECT_EQ(reader_of(table, "/x"), "a");
}

TEST(ParserTable, TakesOneParserOfAType) {
  const auto table = *ParserTable::build({entry("a#1", {"x"}), entry("a#2", {"y"})});
  EXPECT_EQ(reader_of(table, "/x"), "a#1");
  EXPECT_EQ(reader_of(table, "/y"), "no parser registered matching path suffix for: /y");
  EXPECT_EQ(table.warnings().size(), 1U);
}

TEST(ParserTable, NeedsAParser) {
  EXPECT_EQ(ParserTable::build({}).error().message, "no parsers configured");
}

TEST(PathMatches, EndsWithTheSuffixAtASegment) {
  EXPECT_TRUE(path_matches("/v1/chat/completions/", "chat/completions"));
  EXPECT_TRUE(path_matches("/v1/chat/completions", "chat/completions/"));
  EXPECT_TRUE(path_matches("completions", "completions"));
  EXPECT_TRUE(path_matches(" /v1/completions ", " /completions"));
  EXPECT_FALSE(path_matches("/v1/chat/completions", "embeddings"));
  EXPECT_FALSE(path_matches("/xcompletions", "completions"));
  EXPECT_FALSE(path_matches("", "completions"));
  EXPECT_FALSE(path_matches("/v1", ""));
}

TEST(RequestPath, ComesFromTheFirstHeaderThatTellsIt) {
  const std::vector<Header> all{{"x-forwarded-path", "/f"},
                                {"x-original-path", "/o?q=1"},
                                {":path", "/v1/messages?beta=true"}};
  EXPECT_EQ(request_path(all), "/v1/messages");
  EXPECT_EQ(request_path(std::span(all).first(2)), "/o");
  EXPECT_EQ(request_path(std::span(all).first(1)), "/f");
  EXPECT_EQ(request_path({}), "/v1/completions");
}

TEST(RequestPath, IsThatOfTheLastLine) {
  const std::vector<Header> twice{{":path", "/v1/completions"}, {":path", "/v1/messages"}};
  EXPECT_EQ(request_path(twice), "/v1/messages");
}

}  // namespace
}  // namespace pointsman
