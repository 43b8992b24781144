#include "pointsman/base/text.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

TEST(NumberIn, IsTheWholeTextOrNothing) {
  EXPECT_EQ(number_in<int>("-12"), -12);
  EXPECT_EQ(number_in<std::uint64_t>("18446744073709551615"), 18446744073709551615U);
  EXPECT_EQ(number_in<unsigned>("fF", 16), 255U);
  EXPECT_EQ(number_in<double>("-2.5e1"), -25.0);
  for (const std::string_view none : {"", "-", "+1", " 1", "1 ", "1x", "0x1", "99999999999"}) {
    EXPECT_EQ(number_in<int>(none), std::nullopt) << none;
  }
  EXPECT_EQ(number_in<unsigned>("-1"), std::nullopt);
  EXPECT_EQ(number_in<double>("1e999"), std::nullopt);
  EXPECT_EQ(number_in<double>("2.5 "), std::nullopt);
}

TEST(TakePart, GivesThePartsInTheirOrder) {
  const auto parts = [](std::string_view list) {
    std::vector<std::string> out;
    while (!list.empty()) out.emplace_back(take_part(list, ','));
    return out;
  };
  using Parts = std::vector<std::string>;
  EXPECT_EQ(parts(""), Parts{});
  EXPECT_EQ(parts("a"), Parts{"a"});
  EXPECT_EQ(parts("a,,b"), (Parts{"a", "", "b"}));
  EXPECT_EQ(parts(",a,"), (Parts{"", "a"}));
}

}  // namespace
}  // namespace pointsman
