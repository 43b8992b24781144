#include "pointsman/config/duration.h"

#include <chrono>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using std::chrono::nanoseconds;

std::string read(const std::string& text) {
  const auto value = parse_duration(text);
  return value ? format_duration(*value) : value.error().message;
}

TEST(Duration, IsReadInGosGrammar) {
  EXPECT_EQ(read("300ms"), "300ms");
  EXPECT_EQ(read("1m"), "1m0s");
  EXPECT_EQ(read("1h30m"), "1h30m0s");
  EXPECT_EQ(read("-1.5s"), "-1.5s");
  EXPECT_EQ(read("+5s"), "5s");
  EXPECT_EQ(read("0"), "0s");
  EXPECT_EQ(read("-0"), "0s");
  EXPECT_EQ(read("0s"), "0s");
  EXPECT_EQ(read(".5s"), "500ms");
  EXPECT_EQ(read("1.s"), "1s");
  EXPECT_EQ(read("1us"), "1\xC2\xB5s");
  EXPECT_EQ(read("1\xC2\xB5s"), "1\xC2\xB5s");
  EXPECT_EQ(read("1\xCE\xBCs"), "1\xC2\xB5s");
  EXPECT_EQ(read("12ns"), "12ns");
  EXPECT_EQ(read("1h2m3.004s"), "1h2m3.004s");
  EXPECT_EQ(read("100h"), "100h0m0s");
}

TEST(Duration, IsRefusedInGosWords) {
  EXPECT_EQ(read(""), R"(time: invalid duration "")");
  EXPECT_EQ(read("abc"), R"(time: invalid duration "abc")");
  EXPECT_EQ(read("5"), R"(time: missing unit in duration "5")");
  EXPECT_EQ(read("5 s"), R"(time: unknown unit " s" in duration "5 s")");
  EXPECT_EQ(read("5d"), R"(time: unknown unit "d" in duration "5d")");
  EXPECT_EQ(read("-"), R"(time: invalid duration "-")");
  EXPECT_EQ(read(".s"), R"(time: invalid duration ".s")");
  EXPECT_EQ(read("1s-1s"), R"(time: unknown unit "s-" in duration "1s-1s")");
  EXPECT_EQ(read("99999999999999999999s"), R"(time: invalid duration "99999999999999999999s")");
  EXPECT_EQ(read("9000000000s9000000000s"), R"(time: invalid duration "9000000000s9000000000s")");
}

TEST(Duration, ReachesTheEndsOfItsRange) {
  EXPECT_EQ(parse_duration("9223372036854775807ns"), nanoseconds::max());
  EXPECT_EQ(parse_duration("-9223372036854775808ns"), nanoseconds::min());
  EXPECT_FALSE(parse_duration("9223372036854775808ns").has_value());
  EXPECT_EQ(format_duration(nanoseconds::min()), "-2562047h47m16.854775808s");
}

}  // namespace
}  // namespace pointsman
