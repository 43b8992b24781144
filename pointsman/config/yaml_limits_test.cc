#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/config/yaml.h"

namespace pointsman {
namespace {

std::string repeated(std::size_t count, const std::string& text) {
  std::string out;
  out.reserve(count * text.size());
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

std::string problem(const std::string& text, const YamlLimits& limits = {}) {
  const auto document = read_yaml(text, limits);
  return document ? "none" : document.error().text;
}

TEST(YamlLimits, BoundsSize) {
  EXPECT_EQ(problem("12345", {.bytes = 5}), "none");
  EXPECT_EQ(problem("123456", {.bytes = 5}), "yaml: line 1: larger than 5 bytes");
}

TEST(YamlLimits, BoundsDepth) {
  EXPECT_EQ(problem(repeated(100, "[") + repeated(100, "]")), "none");
  EXPECT_EQ(problem(repeated(101, "[") + repeated(101, "]")),
            "yaml: line 1: nested deeper than 100 levels");
  EXPECT_NE(problem(repeated(100'000, "[")), "none");
  EXPECT_NE(problem(repeated(100'000, "{a: ")), "none");
  EXPECT_NE(problem(repeated(100'000, "- ")), "none");
}

TEST(YamlLimits, BoundsDepthThroughAliases) {
  std::string text = "a0: &a0 [1]\n";
  for (int i = 1; i <= 100; ++i) {
    const std::string name = "a" + std::to_string(i);
    text += name;
    text += ": &" + name + " [*a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_TRUE(problem(text).ends_with("nested deeper than 100 levels")) << problem(text);
}

TEST(YamlLimits, BoundsValues) {
  EXPECT_EQ(problem("[" + repeated(98, "1,") + "1]", {.nodes = 100}), "none");
  EXPECT_EQ(problem("[" + repeated(100, "1,") + "1]", {.nodes = 100}),
            "yaml: line 1: more than 100 values");
}

TEST(YamlLimits, StopsAnAliasBomb) {
  std::string text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 9; ++k) text += before + ",";
    text += before + "]\n";
  }
  EXPECT_TRUE(problem(text).ends_with("more than 100000 values")) << problem(text);
}

TEST(YamlLimits, StopsAnAliasBombOfLongScalars) {
  const std::string text =
      "a: &a " + std::string(500'000, 'x') + "\nb: [" + repeated(1000, "*a,") + "*a]\n";
  EXPECT_TRUE(problem(text).ends_with("aliases expand to more than 8388608 bytes"))
      << problem(text);
}

TEST(YamlLimits, StopsAMergeBomb) {
  std::string text = "a: &a {";
  for (int i = 0; i < 1000; ++i) text += "k" + std::to_string(i) + ": 1,";
  text += "}\nb: [" + repeated(1000, "{<<: *a},") + "]\n";
  EXPECT_TRUE(problem(text).ends_with("more than 100000 values")) << problem(text);
}

TEST(YamlLimits, RefusesAnAnchorThatContainsItself) {
  EXPECT_EQ(problem("a: &a [*a]\n"), "yaml: line 1: anchor value contains itself");
}

TEST(YamlLimits, TakesAScalarAsLargeAsTheText) {
  EXPECT_EQ(problem("a: " + std::string(1'000'000, 'x')), "none");
}

TEST(YamlLimits, RefusesInvalidUtf8) {
  EXPECT_EQ(problem("a: \xC3\x28"), "yaml: line 1: invalid UTF-8");
  EXPECT_EQ(problem("a: 1\nb: \xED\xA0\x80"), "yaml: line 2: invalid UTF-8");  // surrogate
  EXPECT_EQ(problem("a: \xC0\xAF"), "yaml: line 1: invalid UTF-8");            // overlong
  EXPECT_EQ(problem("a: \xF4\x90\x80\x80"), "yaml: line 1: invalid UTF-8");    // too large
  EXPECT_EQ(problem("a: \xE2\x82"), "yaml: line 1: invalid UTF-8");            // cut off
  EXPECT_EQ(problem("\xFF\xFE"
                    "a"),
            "yaml: line 1: invalid UTF-8");  // UTF-16
}

TEST(YamlLimits, RefusesControlCharacters) {
  EXPECT_EQ(problem(std::string("a: \0b", 5)), "yaml: line 1: control characters are not allowed");
  EXPECT_EQ(problem("a: \x04"), "yaml: line 1: control characters are not allowed");
}

// A quarter of a megabyte of anything is refused or read in bounded time; the generous bound holds
// under sanitizers and still fails for anything quadratic, which would take minutes.
TEST(YamlLimits, ReadsHostileTextInBoundedTime) {
  const auto began = std::chrono::steady_clock::now();
  for (const std::string& unit :
       {std::string("? "), std::string("- - - -\n"), std::string("a:\n "), std::string("\"\\x41"),
        std::string("&a "), std::string("!<x "), std::string("# c\n"), std::string("%Y"),
        std::string("{[\"'"), std::string(": "), std::string("a,"), std::string("*a "),
        std::string("|\n "), std::string("--- "), std::string("\t"), std::string("{a,"),
        std::string("[a: b,")}) {
    const std::string text = repeated((1U << 18U) / unit.size(), unit);
    const auto start = std::chrono::steady_clock::now();
    (void)read_yaml(text);
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_LT(took, std::chrono::seconds(20)) << unit;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(120));
}

}  // namespace
}  // namespace pointsman
