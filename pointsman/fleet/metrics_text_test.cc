#include "pointsman/fleet/metrics_text.h"

#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/random.h"

namespace pointsman {
namespace {

// What a reader found, as one line of text per sample.
struct Page {
  std::vector<std::string> samples;
  std::size_t malformed = 0;
  bool over_limit = false;

  bool operator==(const Page&) const = default;
};

std::string text(const WantedMetrics& wanted, const MetricSample& sample) {
  std::string out =
      wanted.names()[sample.metric] + "/" + std::to_string(static_cast<int>(sample.type)) + "{";
  for (const auto& [name, value] : sample.labels) {
    out += std::string(name) + "=" + std::string(value) + ";";
  }
  return out + "} " + std::to_string(sample.value) + " @" + std::to_string(sample.timestamp);
}

Page read(const WantedMetrics& wanted, std::string_view page, std::size_t piece = 1U << 30U) {
  MetricsText reader(wanted);
  Page result;
  const auto drain = [&] {
    while (const MetricSample* sample = reader.next()) {
      result.samples.push_back(text(wanted, *sample));
    }
  };
  reader.begin();
  for (; !page.empty(); page.remove_prefix(std::min(piece, page.size()))) {
    // A copy of its own for each piece, so that a view kept too long is a fault ASan sees.
    const std::string part(page.substr(0, piece));
    reader.feed(part);
    drain();
  }
  reader.finish();
  drain();
  result.malformed = reader.malformed();
  result.over_limit = reader.over_limit();
  return result;
}

std::vector<std::string> samples(std::string_view page) {
  return read(WantedMetrics({"a", "ab", "vllm:x"}), page).samples;
}

std::size_t malformed(std::string_view page) {
  const Page result = read(WantedMetrics({"a", "ab", "vllm:x"}), page);
  EXPECT_TRUE(result.samples.empty()) << result.samples.front();
  return result.malformed;
}

using Lines = std::vector<std::string>;

constexpr std::string_view kMixed =
    "# HELP a A gauge.\n"
    "# TYPE a gauge\n"
    "a{engine=\"0\",model=\"m \\\"q\\\" \\\\ \\n,}\"} 7 1700000000123\n"
    "\n"
    "# a comment\n"
    "other_total{a=\"1\"} 3\n"
    "# TYPE vllm:x counter\n"
    "vllm:x 1.5e3\r\n"
    "vllm:x_bucket{le=\"+Inf\"} 9\n"
    "abc 3\n"
    "ab{broken 1\n"
    "  ab { x = \"1\" , y = \"\" , } \t -2.5\n"
    "a +Inf";

TEST(MetricsText, ReadsWantedSamplesAndSkipsTheRest) {
  EXPECT_EQ(samples(kMixed),
            (Lines{"a/1{engine=0;model=m \"q\" \\ \n,};} 7.000000 @1700000000123",
                   "vllm:x/2{} 1500.000000 @0", "ab/0{x=1;y=;} -2.500000 @0", "a/1{} inf @0"}));
}

TEST(MetricsText, ReadsTheSameWhateverTheSizeOfThePieces) {
  const WantedMetrics wanted({"a", "ab", "vllm:x"});
  const Page whole = read(wanted, kMixed);
  EXPECT_EQ(whole.malformed, 1U);
  for (std::size_t piece = 1; piece <= kMixed.size(); ++piece) {
    EXPECT_EQ(read(wanted, kMixed, piece), whole) << piece;
  }
}

TEST(MetricsText, ReadsEveryFormOfANumber) {
  EXPECT_EQ(
      samples("a 1\na +1.5\na -.5\na 1e3\na Inf\na -inf\na +Inf\na 0\n"),
      (Lines{"a/0{} 1.000000 @0", "a/0{} 1.500000 @0", "a/0{} -0.500000 @0", "a/0{} 1000.000000 @0",
             "a/0{} inf @0", "a/0{} -inf @0", "a/0{} inf @0", "a/0{} 0.000000 @0"}));
  const WantedMetrics wanted({"a"});
  MetricsText reader(wanted);
  reader.begin();
  reader.feed("a NaN\n");
  const MetricSample* sample = reader.next();
  ASSERT_NE(sample, nullptr);
  EXPECT_TRUE(std::isnan(sample->value));
}

TEST(MetricsText, LosesAMalformedLineAndNothingElse) {
  for (const std::string_view bad : {"a",
                                     "a ",
                                     "a{",
                                     "a{}",
                                     "a{x}",
                                     "a{x=1} 1",
                                     "a{x=\"1} 1",
                                     "a{x=\"1\"",
                                     "a{=\"1\"} 1",
                                     "a{x=\"\\q\"} 1",
                                     "a{x=\"1\" y=\"2\"} 1",
                                     "a{,} 1",
                                     "a{x=\"1\",,} 1",
                                     "a{1x=\"1\"} 1",
                                     "a one",
                                     "a 1 x",
                                     "a 1 2 3",
                                     "a 1x",
                                     "a 0x10",
                                     "a 1e999",
                                     "a ++1",
                                     "a +-1",
                                     "a{x=\"\xff\"} 1",
                                     "a{x=\"\xc0\xaf\"} 1",
                                     "a{x=\"\xed\xa0\x80\"} 1",
                                     "a{x=\"\xf4\x90\x80\x80\"} 1",
                                     "a{x=\"\xe2\x82\"} 1",
                                     "a{x=\"1\\"}) {
    EXPECT_EQ(malformed(std::string(bad) + "\n"), 1U) << bad;
    EXPECT_EQ(samples("ab 1\n" + std::string(bad) + "\nab 2\n"),
              (Lines{"ab/0{} 1.000000 @0", "ab/0{} 2.000000 @0"}))
        << bad;
  }
}

TEST(MetricsText, DoesNotMistakeLongerNamesForWantedOnes) {
  EXPECT_EQ(malformed("a_total 1\nabc{} 1\na: 1\nvllm:xy 1\nvllm: 1\nb 1\n#a 1\n{a=\"1\"} 2\n"),
            0U);
}

TEST(MetricsText, SaysWhichMetricLostALine) {
  const WantedMetrics wanted({"a", "ab"});
  MetricsText reader(wanted);
  reader.begin();
  reader.feed("ab{ 1\na 1\n");
  while (reader.next() != nullptr) {
  }
  EXPECT_FALSE(reader.malformed(wanted.index("a")));
  EXPECT_TRUE(reader.malformed(wanted.index("ab")));
  reader.begin();
  EXPECT_FALSE(reader.malformed(wanted.index("ab")));
}

TEST(MetricsText, UnderstandsOpenMetricsLines) {
  EXPECT_EQ(samples("a 1 1700000000.5 # {trace_id=\"x\"} 0.5\na 2 # {} 1\n# EOF\na 3\n"),
            (Lines{"a/0{} 1.000000 @1700000000500", "a/0{} 2.000000 @0"}));
}

TEST(MetricsText, ReadsLinesThatEndInCrLfWhereverTheyAreCut) {
  const WantedMetrics wanted({"a"});
  for (const std::size_t piece : {1U, 2U, 3U, 5U, 100U}) {
    const Page page = read(wanted, "# TYPE a gauge\r\na 1\r\na\r\n# EOF\r\na 3\r\n", piece);
    EXPECT_EQ(page.samples, Lines{"a/1{} 1.000000 @0"}) << piece;
    EXPECT_EQ(page.malformed, 1U) << piece;
  }
}

TEST(MetricsText, KnowsTheTypesOfMetrics) {
  EXPECT_EQ(samples("# TYPE a histogram\na 1\n#  TYPE ab summary \nab 1\n# TYPE vllm:x info\n"
                    "vllm:x 1\n# TYPE a untyped\na 2\n#TYPE a gauge\na 3\n# TYPEa x\n# TYPE\n"),
            (Lines{"a/3{} 1.000000 @0", "ab/4{} 1.000000 @0", "vllm:x/5{} 1.000000 @0",
                   "a/0{} 2.000000 @0", "a/1{} 3.000000 @0"}));
}

TEST(MetricsText, LosesALineThatIsTooLong) {
  const std::string endless(MetricsText::kMaxLine + 1, 'x');
  const std::string page = "a{l=\"" + endless + "\"} 1\nzzz" + endless + " 1\na 2\n";
  const WantedMetrics wanted({"a"});
  for (const std::size_t piece : {std::size_t{1000}, page.size()}) {
    const Page result = read(wanted, page, piece);
    EXPECT_EQ(result.samples, Lines{"a/0{} 2.000000 @0"}) << piece;
    EXPECT_EQ(result.malformed, 1U) << piece;
  }
}

TEST(MetricsText, StopsWhenThePageIsTooLong) {
  const WantedMetrics wanted({"a"});
  MetricsText reader(wanted);
  reader.begin();
  const std::string piece = std::string((std::size_t{1} << 20U) - 1, 'x') + "\n";
  for (int i = 0; i < 16; ++i) {
    reader.feed(piece);
    EXPECT_EQ(reader.next(), nullptr);
    EXPECT_FALSE(reader.over_limit());
  }
  reader.feed("a 1\n");
  EXPECT_EQ(reader.next(), nullptr);
  EXPECT_TRUE(reader.over_limit());
  reader.begin();
  EXPECT_FALSE(reader.over_limit());
}

TEST(MetricsText, StopsAfterTooManyLines) {
  const WantedMetrics wanted({"a"});
  const std::string page(MetricsText::kMaxLines, '\n');
  EXPECT_FALSE(read(wanted, page).over_limit);
  const Page longer = read(wanted, page + "a 1\n");
  EXPECT_TRUE(longer.over_limit);
  EXPECT_TRUE(longer.samples.empty());
}

TEST(MetricsText, StopsAfterTooManySamples) {
  std::string page;
  for (std::size_t i = 0; i <= MetricsText::kMaxSamples; ++i) page += "a 1\n";
  const Page result = read(WantedMetrics({"a"}), page);
  EXPECT_EQ(result.samples.size(), MetricsText::kMaxSamples);
  EXPECT_TRUE(result.over_limit);
}

TEST(MetricsText, RefusesASampleWithTooManyLabels) {
  const auto line = [](std::size_t labels) {
    std::string out = "a{";
    for (std::size_t i = 0; i < labels; ++i) out += "l" + std::to_string(i) + "=\"\",";
    return out + "} 1\n";
  };
  EXPECT_EQ(samples(line(MetricsText::kMaxLabels)).size(), 1U);
  EXPECT_EQ(malformed(line(MetricsText::kMaxLabels + 1)), 1U);
}

TEST(MetricsText, SurvivesDamagedPagesAndReadsThemAlikeInAnyPieces) {
  const WantedMetrics wanted({"a", "ab", "vllm:x"});
  Random random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string page(kMixed);
    for (std::uint64_t edit = random.below(6) + 1; edit > 0; --edit) {
      const std::size_t at = random.below(page.size());
      switch (random.below(3)) {
        case 0:
          page[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          page.erase(at, random.below(9));
          break;
        default:
          page.insert(at, page.substr(random.below(page.size()), random.below(40)));
      }
    }
    ASSERT_EQ(read(wanted, page, random.below(60) + 1), read(wanted, page)) << page;
  }
}

TEST(WantedMetrics, ThatWantNothingFindNothing) {
  EXPECT_TRUE(read(WantedMetrics({}), "a 1\n# TYPE a gauge\n").samples.empty());
}

TEST(WantedMetrics, CountRepeatedNamesOnce) {
  const WantedMetrics wanted({"b", "a", "b"});
  EXPECT_EQ(wanted.names(), (Lines{"b", "a"}));
  EXPECT_EQ(wanted.index("a"), 1U);
  EXPECT_EQ(read(wanted, "a 1\nb 2\n").samples.size(), 2U);
}

}  // namespace
}  // namespace pointsman
