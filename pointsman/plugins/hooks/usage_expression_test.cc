#include "pointsman/plugins/hooks/usage_expression.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using Kind = UsageExpression::Value::Kind;

const Usage kUsage{.prompt = 15, .output = 4, .total = 19, .cached = 8};

// What it comes to, readable: `3` is an int, `3.0` a double.
std::string value(std::string_view text, const Usage& usage = kUsage) {
  const auto compiled = UsageExpression::compile(text);
  if (!compiled) return compiled.error().message;
  const auto value = compiled->evaluate(usage);
  switch (value.kind) {
    case Kind::boolean:
      return value.boolean ? "true" : "false";
    case Kind::integer:
      return std::to_string(value.integer);
    case Kind::number: {
      std::string out = std::to_string(value.number);
      out.erase(out.find_last_not_of('0') + 1);
      return out + (out.ends_with('.') ? "0" : "");
    }
    case Kind::text:
      return "'" + std::string(value.text) + "'";
    case Kind::map:
      return "map";
    case Kind::error:
      return "error: " + std::string(value.text);
  }
  return "?";
}

TEST(UsageExpression, ReadsCounts) {
  EXPECT_EQ(value("usage.prompt_tokens"), "15.0");
  EXPECT_EQ(value("usage.completion_tokens"), "4.0");
  EXPECT_EQ(value("usage['total_tokens']"), "19.0");
  EXPECT_EQ(value("usage.prompt_tokens_details.cached_tokens"), "8.0");
  EXPECT_EQ(value("usage.prompt_tokens", {}), "0.0");
  EXPECT_EQ(value("usage.prompt_tokens_details.cached_tokens", {}), "error: no such key");
  EXPECT_EQ(value("usage.non_existent_field"), "error: no such key");
  EXPECT_EQ(value("usage.prompt_tokens.x"), "error: no such overload");
  EXPECT_EQ(value("usage"), "map");
}

TEST(UsageExpression, KnowsWhatIsThere) {
  EXPECT_EQ(value("has(usage.prompt_tokens)", {}), "true");
  EXPECT_EQ(value("has(usage.prompt_tokens_details)"), "true");
  EXPECT_EQ(value("has(usage.prompt_tokens_details)", {}), "false");
  EXPECT_EQ(value("has(usage.prompt_tokens_details.cached_tokens)", {}), "error: no such key");
  EXPECT_EQ(value("has(usage.nothing)"), "false");
  EXPECT_EQ(value("has(usage)"), "ERROR: <input>:1:1: invalid argument to has() macro");
}

TEST(UsageExpression, ComputesAsCelDoes) {
  for (const auto& [text, expected] : std::vector<std::pair<std::string, std::string>>{
           {"1 + 2 * 3", "7"},
           {"(1 + 2) * 3", "9"},
           {"7 / 2", "3"},
           {"-7 % 3", "-1"},
           {"7.0 / 2.0", "3.5"},
           {"10 - 4 - 3", "3"},
           {"- -3", "3"},
           {"usage.prompt_tokens * 2.0", "30.0"},
           {"usage.prompt_tokens * 2", "error: no such overload"},
           {"usage.prompt_tokens % usage.total_tokens", "error: no such overload"},
           {"1 / 0", "error: divide by zero"},
           {"1 % 0", "error: modulus by zero"},
           {"1.0 / 0.0 > 1e308", "true"},
           {"9223372036854775807 + 1", "error: return error for overflow"},
           {"0x10", "16"},
           {".5", "0.5"},
           {"1e3", "1000.0"},
           {"int(2.9)", "2"},
           {"int(-2.9)", "-2"},
           {"int(1e30)", "error: range"},
           {"double(3) * 1.5", "4.5"},
           {"int('3')", "error: no such overload"},
           {"'not a number'", "'not a number'"},
           {R"("a\"b\n")", "'a\"b\n'"}}) {
    EXPECT_EQ(value(text), expected) << text;
  }
}

TEST(UsageExpression, ComparesAcrossNumbers) {
  EXPECT_EQ(value("usage.completion_tokens > 0"), "true");
  EXPECT_EQ(value("usage.completion_tokens == 4"), "true");
  EXPECT_EQ(value("usage.completion_tokens != 4.0"), "false");
  EXPECT_EQ(value("1 <= 1"), "true");
  EXPECT_EQ(value("2 >= 3"), "false");
  EXPECT_EQ(value("'a' < 'b'"), "true");
  EXPECT_EQ(value("usage.total_tokens < 'a'"), "error: no such overload");
  EXPECT_EQ(value("usage.total_tokens == 'a'"), "false");
}

TEST(UsageExpression, NeedsOneSideOnlyWhereThatDecides) {
  EXPECT_EQ(value("true || usage.nothing > 1"), "true");
  EXPECT_EQ(value("usage.nothing > 1 || true"), "true");
  EXPECT_EQ(value("usage.nothing > 1 && false"), "false");
  EXPECT_EQ(value("usage.nothing > 1 && true"), "error: no such key");
  EXPECT_EQ(value("true && usage.total_tokens"), "error: no such overload");
  EXPECT_EQ(value("false || !true"), "false");
  EXPECT_EQ(value("1 < 2 ? 'yes' : usage.nothing"), "'yes'");
  EXPECT_EQ(value("false ? 1 : true ? 2 : 3"), "2");
  EXPECT_EQ(value("usage.total_tokens ? 2 : 3"), "error: no such overload");
}

TEST(UsageExpression, TakesTheDocumentedExample) {
  const std::string sum =
      "(has(usage.prompt_tokens) ? usage.prompt_tokens : 0) + (has(usage.completion_tokens) ? "
      "usage.completion_tokens : 0)";
  EXPECT_EQ(value(sum, {.output = 25}), "25.0");
  EXPECT_EQ(value(sum, {}), "0.0");
}

TEST(UsageExpression, SaysWhatItCannotRead) {
  for (const auto& [text, expected] : std::vector<std::pair<std::string, std::string>>{
           {"usage.prompt_tokens + -", "1:24: Syntax error: unexpected end of expression"},
           {"usage.prompt_tokens > ", "1:23: Syntax error: unexpected end of expression"},
           {"", "1:1: Syntax error: unexpected end of expression"},
           {"1 2", "1:3: Syntax error: unexpected '2'"},
           {"(1", "1:3: Syntax error: unexpected end of expression"},
           {"1 ? 2", "1:6: Syntax error: unexpected end of expression"},
           {"request.path", "1:1: undeclared reference to 'request' (in container '')"},
           {"size(usage)",
            "1:1: undeclared reference to 'size' (in container ''): only has, int and double are "
            "supported"},
           {"usage.prompt_tokens.size()", "1:25: methods such as size() are not supported"},
           {"usage[1]", "1:7: Syntax error: unexpected '1'"},
           {"'x' in usage", "1:5: Syntax error: unexpected 'i'"},
           {"1u", "1:1: Syntax error: invalid number '1u'"},
           {"1.2.3", "1:1: Syntax error: invalid number '1.2.3'"},
           {"0x1.5", "1:1: Syntax error: invalid number '0x1.5'"},
           {"0x", "1:1: Syntax error: invalid number '0x'"},
           {"'a", "1:1: Syntax error: a quote is not closed"},
           {"99999999999999999999", "1:1: Syntax error: invalid number '99999999999999999999'"}}) {
    EXPECT_EQ(value(text), "ERROR: <input>:" + expected) << text;
  }
}

// As CEL's checker does, which knows nothing of the counts.
TEST(UsageExpression, RefusesOperandsThatNeverFit) {
  for (const auto& [text, expected] : std::vector<std::pair<std::string, std::string>>{
           {"1 + true", "1:3: found no matching overload for '_+_' applied to '(int, bool)'"},
           {"1 + 1.0", "1:3: found no matching overload for '_+_' applied to '(int, double)'"},
           {"usage.prompt_tokens % 2.0",
            "1:21: found no matching overload for '_%_' applied to '(dyn, double)'"},
           {"usage + 1",
            "1:7: found no matching overload for '_+_' applied to '(map(string, dyn), int)'"},
           {"usage.a + (1 < 2)",
            "1:9: found no matching overload for '_+_' applied to '(dyn, bool)'"},
           {"-'a'", "1:1: found no matching overload for '-_' applied to '(string)'"},
           {"!1", "1:1: found no matching overload for '!_' applied to '(int)'"},
           {"'a' < 1", "1:5: found no matching overload for '_<_' applied to '(string, int)'"},
           {"'a' == 1", "1:5: found no matching overload for '_==_' applied to '(string, int)'"},
           {"true && 1", "1:6: found no matching overload for '_&&_' applied to '(bool, int)'"},
           {"1 ? 2 : 3",
            "1:3: found no matching overload for '_?_:_' applied to '(int, int, int)'"},
           {"int(true)", "1:1: found no matching overload for 'int' applied to '(bool)'"},
           {"(1 + 2).x", "1:8: type 'int' does not support field selection"},
           {"has('a'.x)", "1:8: type 'string' does not support field selection"}}) {
    EXPECT_EQ(value(text), "ERROR: <input>:" + expected) << text;
  }
  EXPECT_EQ(value("(usage.a ? 1 : 2.0) + 1"), "error: no such key") << "it may fit";
}

TEST(UsageExpression, IsBounded) {
  EXPECT_TRUE(value(std::string(1000, '(') + "1").contains("nested too deeply"));
  EXPECT_TRUE(value(std::string(1000, '-') + "1").contains("nested too deeply"));
  std::string sum = "1";
  for (int i = 0; i < 500; ++i) sum += "+1";
  EXPECT_TRUE(value(sum).contains("too many operators"));
  EXPECT_TRUE(value(std::string(5000, '1')).contains("more than 4096 bytes"));
}

}  // namespace
}  // namespace pointsman
