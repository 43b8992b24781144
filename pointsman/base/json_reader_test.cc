#include "pointsman/base/json_reader.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

// The error of the text; empty when it is valid JSON.
std::string error_of(std::string_view text) {
  const std::vector<char> exact(text.begin(), text.end());
  JsonReader json({exact.data(), exact.size()});
  json.skip();
  json.finish();
  return json.error();
}

TEST(JsonReader, SaysInGosWordsWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"", "unexpected end of JSON input"},
      {"{", "unexpected end of JSON input"},
      {R"({"a)", "unexpected end of JSON input"},
      {R"({"a":)", "unexpected end of JSON input"},
      {"[1", "unexpected end of JSON input"},
      {R"({"a")", "unexpected end of JSON input"},
      {R"({"a":1)", "unexpected end of JSON input"},
      {R"("a)", "unexpected end of JSON input"},
      {R"({"a":tru)", "invalid character ' ' in literal true (expecting 'e')"},
      {"f", "invalid character ' ' in literal false (expecting 'a')"},
      {"nul", "invalid character ' ' in literal null (expecting 'l')"},
      {"-", "invalid character ' ' in numeric literal"},
      {"[1.", "invalid character ' ' after decimal point in numeric literal"},
      {"1e", "invalid character ' ' in exponent of numeric literal"},
      {"1e+", "invalid character ' ' in exponent of numeric literal"},
      {R"("\)", "invalid character ' ' in string escape code"},
      {R"("\u12)", "invalid character ' ' in \\u hexadecimal character escape"},
      {"x", "invalid character 'x' looking for beginning of value"},
      {"[1,]", "invalid character ']' looking for beginning of value"},
      {"{a", "invalid character 'a' looking for beginning of object key string"},
      {R"({"a":1,})", "invalid character '}' looking for beginning of object key string"},
      {R"({"a" 1})", "invalid character '1' after object key"},
      {R"({"a":1 "b")", "invalid character '\"' after object key:value pair"},
      {"[1 2]", "invalid character '2' after array element"},
      {"[01]", "invalid character '1' after array element"},
      {"{} x", "invalid character 'x' after top-level value"},
      {"\"a\nb\"", "invalid character '\\n' in string literal"},
      {R"("\x")", "invalid character 'x' in string escape code"},
      {R"("\u12G4")", "invalid character 'G' in \\u hexadecimal character escape"},
      {"-x", "invalid character 'x' in numeric literal"},
      {"1.x", "invalid character 'x' after decimal point in numeric literal"},
      {"1ex", "invalid character 'x' in exponent of numeric literal"},
      {"trxe", "invalid character 'x' in literal true (expecting 'u')"},
      {"falsx", "invalid character 'x' in literal false (expecting 'e')"},
      {"nul1", "invalid character '1' in literal null (expecting 'l')"},
      {"'", "invalid character '\\'' looking for beginning of value"},
      {"\\", "invalid character '\\\\' looking for beginning of value"},
      {std::string(1, '\0'), "invalid character '\\x00' looking for beginning of value"},
      {"\x7F", "invalid character '\\x7f' looking for beginning of value"},
      {"\xC3\xA9", "invalid character 'Ã' looking for beginning of value"},
      {"\x85", "invalid character '\\u0085' looking for beginning of value"},
      {"[1e999]", "json: cannot unmarshal number 1e999 into Go value of type float64"},
  };
  for (const auto& [text, error] : rows) EXPECT_EQ(error_of(text), error) << text;
}

TEST(JsonReader, AcceptsWhatIsValid) {
  for (const std::string_view text :
       {"0", "-0", "1e5", "1E+05", "-1.25e-3", "1e-999", "true", "false", "null", "[]", "{}",
        " [ 1 , 2 ] ", R"({"":""})", R"("\"\\\/\b\f\n\r\t\u00e9")", R"("\ud800")", "\"\xFF\"",
        R"({"a":[{"b":[[]]},{}]})"}) {
    EXPECT_EQ(error_of(text), "") << text;
  }
}

TEST(JsonReader, TellsTheFirstMistakeNotALaterOne) {
  EXPECT_EQ(error_of(R"([1e999, x])"), "invalid character 'x' looking for beginning of value");
}

TEST(JsonReader, LimitsTheDepth) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_EQ(error_of(nested(64)), "");
  EXPECT_EQ(error_of(nested(65)), "exceeded max depth");
  EXPECT_EQ(error_of(std::string(1'000'000, '[')), "exceeded max depth");
}

TEST(JsonReader, FindsTheEndOfAStringAtEveryDistance) {
  for (std::size_t length = 0; length < 200; ++length) {
    const std::string plain = '"' + std::string(length, 'x') + '"';
    const std::string escaped = '"' + std::string(length, 'x') + R"(\n\"\u00e9")";
    EXPECT_EQ(error_of(plain), "");
    JsonReader json(escaped);
    json.peek();
    const JsonString read = json.string();
    EXPECT_EQ(read.size, length + 4);
    EXPECT_EQ(read.raw.size(), length + 10);
    EXPECT_TRUE(json.finish());
    // Cut anywhere, it is not a string any more.
    EXPECT_NE(error_of(std::string_view(escaped).substr(0, escaped.size() - 1)), "");
  }
}

TEST(JsonReader, CountsWhatEscapesMean) {
  const std::vector<std::pair<std::string, std::size_t>> rows{
      {R"("\u0041")", 1},       {R"("\u00e9")", 2},       {R"("\u4e2d")", 3},
      {R"("\ud83d\ude00")", 4}, {R"("\ud83d")", 3},       {R"("\ude00")", 3},
      {R"("\ud83d\n")", 4},     {R"("\ud83d\ud83d")", 6}, {R"("\ud83dx")", 4}};
  for (const auto& [text, size] : rows) {
    JsonReader json(text);
    json.peek();
    EXPECT_EQ(json.string().size, size) << text;
  }
}

TEST(JsonReader, ReadsPlainIntegersInRuns) {
  std::string text = "[";
  std::vector<std::uint32_t> expected;
  for (std::uint32_t digits = 1; digits <= 10; ++digits) {
    for (std::uint32_t step = 0; step < 3; ++step) {
      const auto id = static_cast<std::uint32_t>(
          std::stoull(std::string("4294967295").substr(0, digits)) - step);
      expected.push_back(id);
      text += std::to_string(id) + (step == 1 ? " ,\n " : ",");
    }
  }
  text.back() = ']';
  JsonReader json(text);
  json.peek();
  json.open();
  std::vector<std::uint32_t> ids(100);
  ids.resize(json.next_integers(ids));
  EXPECT_EQ(ids, expected);
  EXPECT_FALSE(json.next_element());
  EXPECT_TRUE(json.finish());
}

TEST(JsonReader, LeavesUnusualNumbersToTheSlowWay) {
  for (const std::string_view odd : {"1.0", "1e3", "-1", "4294967296", "99999999999", "01", "x"}) {
    const std::string text = "[7," + std::string(odd) + ",8]";
    JsonReader json(text);
    json.peek();
    json.open();
    std::vector<std::uint32_t> ids(10);
    EXPECT_EQ(json.next_integers(ids), 1U) << odd;
    EXPECT_TRUE(json.next_element()) << odd;
    EXPECT_EQ(json.offset(), 3U) << odd;
  }
}

TEST(JsonReader, GivesTheTextOfWhatItSkips) {
  JsonReader json(R"({"a": [1, {"b": "}"}] , "c":2})");
  json.peek();
  json.open();
  JsonString key;
  ASSERT_TRUE(json.next_key(key));
  EXPECT_EQ(key.raw, "a");
  EXPECT_EQ(json.skip(), R"([1, {"b": "}"}])");
  ASSERT_TRUE(json.next_key(key));
  EXPECT_EQ(json.skip(), "2");
  EXPECT_FALSE(json.next_key(key));
  EXPECT_TRUE(json.finish());
}

}  // namespace
}  // namespace pointsman
