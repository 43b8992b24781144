#include "pointsman/config/quantity.h"

#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

std::int64_t value(const std::string& text) {
  const auto read = parse_quantity(text);
  EXPECT_TRUE(read.has_value()) << text;
  return read ? read->value : -424242;
}

std::string problem(const std::string& text) {
  const auto read = parse_quantity(text);
  return read ? "none" : read.error().message;
}

TEST(Quantity, ReadsTheVectorsOfTheSpec) {
  EXPECT_EQ(value("1Gi"), 1'073'741'824);
  EXPECT_EQ(value("500Mi"), 524'288'000);
  EXPECT_EQ(value("1k"), 1'000);
  EXPECT_EQ(value("10Gi"), 10'737'418'240);
  EXPECT_EQ(value("100m"), 1);
  EXPECT_EQ(value("1.5"), 2);
}

TEST(Quantity, ReadsEverySuffix) {
  EXPECT_EQ(value("0"), 0);
  EXPECT_EQ(value("007"), 7);
  EXPECT_EQ(value("+5"), 5);
  EXPECT_EQ(value("-5"), -5);
  EXPECT_EQ(value("1n"), 1);
  EXPECT_EQ(value("2000000u"), 2);
  EXPECT_EQ(value("1500m"), 2);
  EXPECT_EQ(value("20M"), 20'000'000);
  EXPECT_EQ(value("3G"), 3'000'000'000);
  EXPECT_EQ(value("4T"), 4'000'000'000'000);
  EXPECT_EQ(value("5P"), 5'000'000'000'000'000);
  EXPECT_EQ(value("6E"), 6'000'000'000'000'000'000);
  EXPECT_EQ(value("1Ki"), 1'024);
  EXPECT_EQ(value("1.5Ki"), 1'536);
  EXPECT_EQ(value("0.1Ki"), 103);
  EXPECT_EQ(value("1Ti"), 1'099'511'627'776);
  EXPECT_EQ(value("1Pi"), 1'125'899'906'842'624);
  EXPECT_EQ(value("7Ei"), 8'070'450'532'247'928'832);
  EXPECT_EQ(value("12e3"), 12'000);
  EXPECT_EQ(value("12E+3"), 12'000);
  EXPECT_EQ(value("12e-1"), 2);
  EXPECT_EQ(value("4294967296"), 4'294'967'296);
  EXPECT_EQ(value(".5"), 1);
  EXPECT_EQ(value("1."), 1);
}

TEST(Quantity, RoundsAwayFromZero) {
  EXPECT_EQ(value("-1.5"), -2);
  EXPECT_EQ(value("0.000000000000000001"), 1);
  EXPECT_EQ(value("2.000"), 2);
}

TEST(Quantity, Saturates) {
  EXPECT_EQ(value("10E"), kMax);
  EXPECT_EQ(value("9Ei"), kMax);
  EXPECT_EQ(value("1e999999999999"), kMax);
  EXPECT_EQ(value("-1e99"), -kMax);
  EXPECT_EQ(value("1e-999999999999"), 1);
  EXPECT_EQ(value("9223372036854775807"), kMax);
  EXPECT_EQ(value("9223372036854775808"), kMax);
}

TEST(Quantity, RefusesWhatKubernetesRefuses) {
  const std::string format =
      "quantities must match the regular expression "
      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  for (const char* text : {"", "abc", "6 Mi", "10invalid", "1.2.3", "-", ".", "Gi", "1Gi ", " 1"}) {
    EXPECT_EQ(problem(text), format) << text;
  }
  EXPECT_EQ(problem("10K"), "unable to parse quantity's suffix");
  EXPECT_EQ(problem("1mm"), "unable to parse quantity's suffix");
  EXPECT_EQ(problem("1e"), "unable to parse quantity's suffix");
  EXPECT_EQ(problem(std::string(65, '1')), format);
}

TEST(Quantity, KeepsItsText) {
  EXPECT_EQ(parse_quantity("10Gi").value().text, "10Gi");
}

TEST(Quantity, KnowsWhatConvertsExactly) {
  EXPECT_EQ(parse_quantity("10485760").value().exact, 10'485'760);
  EXPECT_EQ(parse_quantity("10Mi").value().exact, 10'485'760);
  EXPECT_EQ(parse_quantity("-10Mi").value().exact, -10'485'760);
  EXPECT_EQ(parse_quantity("20M").value().exact, 20'000'000);
  EXPECT_EQ(parse_quantity("1.5M").value().exact, 1'500'000);
  EXPECT_EQ(parse_quantity("0").value().exact, 0);
  for (const char* text : {"10Ei", "1.5Mi", "1.5", "100m", "100Ti", "10E"}) {
    EXPECT_EQ(parse_quantity(text).value().exact, std::nullopt) << text;
  }
}

}  // namespace
}  // namespace pointsman
