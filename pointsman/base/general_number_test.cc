#include "pointsman/base/general_number.h"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

// Written by Go 1.23.
TEST(GeneralNumber, IsWrittenAsGoDoes) {
  const std::vector<std::pair<double, std::string>> rows{
      {-1e-7, "-1e-07"},
      {-1234567, "-1.234567e+06"},
      {-1e-5, "-1e-05"},
      {-0.0001, "-0.0001"},
      {-1.5, "-1.5"},
      {-123456, "-123456"},
      {-1e6, "-1e+06"},
      {-999999.5, "-999999.5"},
      {0, "0"},
      {4294967296, "4.294967296e+09"},
      {5e-324, "5e-324"},
      {-2.2250738585072014e-308, "-2.2250738585072014e-308"},
      {-1e100, "-1e+100"},
      {-1e21, "-1e+21"},
  };
  for (const auto& [value, text] : rows) EXPECT_EQ(general_number(value), text);
}

}  // namespace
}  // namespace pointsman
