#include "pointsman/config/params.h"

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/config/yaml.h"

namespace pointsman {
namespace {

enum class Mode : std::uint8_t { dynamic, fixed };
constexpr std::array kModes{Named<Mode>{"dynamic", Mode::dynamic},
                            Named<Mode>{"static", Mode::fixed}};

struct Source {
  std::string header;
  double share = 1.0;

  static constexpr auto fields() {
    using P = Source;
    return std::tuple{field("header", &P::header, "Name of a header."),
                      field("share", &P::share, Between{0.0, 1.0}, "Its share.")};
  }
};

struct Sample {
  int block_size = 16;
  std::int64_t capacity = 31'250;
  double headroom = 0.2;
  bool auto_tune = true;
  std::string name = "none";
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
  Mode mode = Mode::dynamic;
  std::vector<std::string> values = {"a"};
  std::vector<Source> sources;
  Source main;
  std::optional<int> limit;
  std::optional<Source> spare;
  std::map<std::string, std::string> labels;
  Node extra;

  static constexpr auto fields() {
    using P = Sample;
    return std::tuple{
        field("blockSize", &P::block_size, Between{1, 100'000}, "Tokens of a block."),
        field("capacity", &P::capacity, AtLeast{0}, "Blocks."),
        field("headroom", &P::headroom, Between{0.0, 1.0}, "Room to spare."),
        field("autoTune", &P::auto_tune, "Whether to tune."),
        field("name", &P::name, "A name."),
        field("timeout", &P::timeout, Between{std::chrono::milliseconds(1), std::chrono::hours(1)},
              "How long to wait."),
        field("mode", &P::mode, kModes, "How."),
        field("values", &P::values, "Values."),
        field("sources", &P::sources, "Sources."),
        field("main", &P::main, "The main source."),
        field("limit", &P::limit, AtLeast{0}, "A limit."),
        field("spare", &P::spare, "Another source."),
        field("labels", &P::labels, "Labels."),
        field("extra", &P::extra, "Anything."),
    };
  }
  static Result<void> check(const Sample& sample) {
    if (!sample.auto_tune && sample.block_size == 13) {
      return fail(Code::invalid_config, "blockSize 13 needs autoTune");
    }
    return {};
  }
};

Result<Sample> sample(const std::string& yaml) {
  const auto document = read_yaml(yaml);
  if (!document) return fail(Code::invalid_config, document.error().text);
  return parse<Sample>({.path = "plugins[0].parameters", .node = &document->root});
}

std::string problem(const std::string& yaml) {
  const auto parsed = sample(yaml);
  return parsed ? "none" : parsed.error().message;
}

TEST(Params, AreTheDefaultsWhenAbsentOrNull) {
  const auto absent = parse<Sample>({.path = "p", .node = nullptr});
  ASSERT_TRUE(absent.has_value());
  EXPECT_EQ(absent->block_size, 16);
  const auto null = sample("~");
  ASSERT_TRUE(null.has_value());
  EXPECT_EQ(null->name, "none");
  EXPECT_TRUE(sample("{}").has_value());
}

TEST(Params, ReadEveryType) {
  const auto read = sample(
      "{blockSize: 0x20, capacity: 5000000000, headroom: 1, autoTune: no, name: x, timeout: 1m30s,"
      " mode: static, values: [p, q], sources: [{header: h}, {share: .5}], main: {header: m},"
      " limit: 7, spare: {header: s}, labels: {k: v}, extra: [1, {a: b}]}");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->block_size, 32);
  EXPECT_EQ(read->capacity, 5'000'000'000);
  EXPECT_EQ(read->headroom, 1.0);
  EXPECT_FALSE(read->auto_tune);
  EXPECT_EQ(read->name, "x");
  EXPECT_EQ(read->timeout, std::chrono::seconds(90));
  EXPECT_EQ(read->mode, Mode::fixed);
  EXPECT_EQ(read->values, (std::vector<std::string>{"p", "q"}));
  ASSERT_EQ(read->sources.size(), 2U);
  EXPECT_EQ(read->sources[0].header, "h");
  EXPECT_EQ(read->sources[0].share, 1.0);
  EXPECT_EQ(read->sources[1].share, 0.5);
  EXPECT_EQ(read->main.header, "m");
  EXPECT_EQ(read->limit, 7);
  EXPECT_EQ(read->spare->header, "s");
  EXPECT_EQ(read->labels.at("k"), "v");
  EXPECT_EQ(to_json(read->extra), R"([1,{"a":"b"}])");
}

TEST(Params, MatchKeysWithoutRegardToCase) {
  EXPECT_EQ(sample("{BLOCKSIZE: 2}").value().block_size, 2);
  EXPECT_EQ(sample("{blocksize: 3, NAME: z}").value().name, "z");
}

TEST(Params, KeepDefaultsWhereNullIsWritten) {
  const auto read = sample("{blockSize: ~, name: null, main: ~, values: ~, limit: ~}");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->block_size, 16);
  EXPECT_EQ(read->name, "none");
  EXPECT_TRUE(read->values.empty());
}

TEST(Params, TakeWholeNumbersWrittenAsFloats) {
  EXPECT_EQ(sample("{blockSize: 3.0}").value().block_size, 3);
  EXPECT_EQ(sample("{blockSize: 1e3}").value().block_size, 1000);
}

TEST(Params, RefuseUnknownFields) {
  EXPECT_EQ(problem("{blockSiz: 3}"), R"(json: unknown field "blockSiz")");
  EXPECT_EQ(problem("{main: {heade: x}}"), R"(json: unknown field "heade")");
}

TEST(Params, RefuseOtherTypes) {
  const std::string field = "into Go struct field parameters.";
  EXPECT_EQ(problem("{blockSize: \"8000\"}"),
            "json: cannot unmarshal string " + field + "blockSize of type int");
  EXPECT_EQ(problem("{blockSize: 8080.5}"),
            "json: cannot unmarshal number 8080.5 " + field + "blockSize of type int");
  EXPECT_EQ(problem("{blockSize: true}"),
            "json: cannot unmarshal bool " + field + "blockSize of type int");
  EXPECT_EQ(problem("{capacity: 1e30}"),
            "json: cannot unmarshal number 1e+30 " + field + "capacity of type int");
  EXPECT_EQ(problem("{name: yes}"), "json: cannot unmarshal bool " + field + "name of type string");
  EXPECT_EQ(problem("{name: 12}"),
            "json: cannot unmarshal number " + field + "name of type string");
  EXPECT_EQ(problem("{autoTune: \"true\"}"),
            "json: cannot unmarshal string " + field + "autoTune of type bool");
  EXPECT_EQ(problem("{values: a}"),
            "json: cannot unmarshal string " + field + "values of type []string");
  EXPECT_EQ(problem("{labels: [a]}"),
            "json: cannot unmarshal array " + field + "labels of type map[string]string");
  EXPECT_EQ(problem("{sources: 5}"),
            "json: cannot unmarshal number " + field + "sources of type []object");
  EXPECT_EQ(problem("{main: [1]}"),
            "json: cannot unmarshal array " + field + "main of type object");
  EXPECT_EQ(problem("{main: {share: {}}}"),
            "json: cannot unmarshal object " + field + "main.share of type float64");
  EXPECT_EQ(problem("[1]"), "json: cannot unmarshal array into Go value of type object");
}

TEST(Params, RefuseValuesOutOfBounds) {
  const std::string at = "plugins[0].parameters.";
  EXPECT_EQ(problem("{blockSize: 0}"), at + "blockSize: must be between 1 and 100000");
  EXPECT_EQ(problem("{capacity: -1}"), at + "capacity: must be at least 0");
  EXPECT_EQ(problem("{headroom: 1.5}"), at + "headroom: must be between 0 and 1");
  EXPECT_EQ(problem("{headroom: .nan}"), "json: unsupported value: .nan");
  EXPECT_EQ(problem("{blockSize: .inf}"), "json: unsupported value: .inf");
  EXPECT_EQ(problem("{timeout: 2h}"), at + "timeout: must be between 1ms and 1h0m0s");
  EXPECT_EQ(problem("{sources: [{share: 2}]}"), at + "sources[0].share: must be between 0 and 1");
  EXPECT_EQ(problem("{mode: none}"),
            at + R"(mode: must be one of "dynamic", "static", got "none")");
  EXPECT_EQ(problem("{blockSize: 4294967296}"), at + "blockSize: must be between 1 and 100000");
  EXPECT_EQ(
      problem("{limit: 4294967296}"),
      "json: cannot unmarshal number 4294967296 into Go struct field parameters.limit of type "
      "int");
}

TEST(Params, RefuseBadDurations) {
  EXPECT_EQ(problem("{timeout: soon}"), R"(invalid 'timeout': time: invalid duration "soon")");
  EXPECT_EQ(problem("{timeout: 5}"),
            "json: cannot unmarshal number into Go struct field parameters.timeout of type string");
  EXPECT_EQ(sample("{timeout: ''}").value().timeout, std::chrono::seconds(5));
}

TEST(Params, ObeyTheRuleAcrossFields) {
  EXPECT_EQ(problem("{blockSize: 13, autoTune: false}"), "blockSize 13 needs autoTune");
  EXPECT_EQ(problem("{blockSize: 13}"), "none");
}

TEST(Params, ReportEveryProblemInTheOrderOfSortedKeys) {
  const auto document = read_yaml("name: 1\nblockSiz: 2\nheadroom: 7\n");
  ASSERT_TRUE(document.has_value());
  Diagnostics all;
  EXPECT_FALSE(parse<Sample>({.path = "p", .node = &document->root}, all).has_value());
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(to_string(all[0]),
            R"(line 2, column 1: json: unknown field "blockSiz" (did you mean "blockSize"?))");
  EXPECT_EQ(all[1].path, "p.headroom");
  EXPECT_EQ(all[1].line, 3);
  EXPECT_EQ(all[2].path, "p.name");
  EXPECT_EQ(all[2].column, 7);
}

TEST(Params, DescribeThemselves) {
  const std::vector<FieldDoc> docs = describe<Sample>();
  ASSERT_EQ(docs.size(), 14U);
  EXPECT_EQ(docs[0].name, "blockSize");
  EXPECT_EQ(docs[0].type, "int");
  EXPECT_EQ(docs[0].default_value, "16");
  EXPECT_EQ(docs[0].allowed, "between 1 and 100000");
  EXPECT_EQ(docs[0].help, "Tokens of a block.");
  EXPECT_EQ(docs[5].type, "duration");
  EXPECT_EQ(docs[5].default_value, "\"5s\"");
  EXPECT_EQ(docs[5].allowed, "between 1ms and 1h0m0s");
  EXPECT_EQ(docs[6].default_value, "\"dynamic\"");
  EXPECT_EQ(docs[6].allowed, R"(one of "dynamic", "static")");
  EXPECT_EQ(docs[8].type, "list of object");
  ASSERT_EQ(docs[8].fields.size(), 2U);
  EXPECT_EQ(docs[8].fields[1].default_value, "1");
  EXPECT_EQ(docs[10].default_value, "");
  EXPECT_EQ(docs[12].type, "map of string");
}

}  // namespace
}  // namespace pointsman
