#include "pointsman/base/extremes.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/random.h"
#include "pointsman/base/wide.h"

namespace pointsman {
namespace {

TEST(Extremes, FindsBothWhereverTheyStand) {
  for (std::size_t n = 1; n < 20; ++n) {
    for (std::size_t at = 0; at < n; ++at) {
      std::vector<double> values(n, 5.0);
      values[at] = 7.0;
      values[(at + 1) % n] = n == 1 ? 7.0 : 3.0;
      const auto [least, most] = extremes(values.data(), n);
      EXPECT_EQ(most, 7.0);
      EXPECT_EQ(least, n == 1 ? 7.0 : 3.0);
    }
  }
}

TEST(Extremes, PassOverNaN) {
  const std::vector<double> values{NAN, 2.0, NAN, 1.0, NAN, 3.0, NAN};
  const auto [least, most] = extremes(values.data(), values.size());
  EXPECT_EQ(least, 1.0);
  EXPECT_EQ(most, 3.0);
}

TEST(Extremes, OfNothingAreTheWrongWayRound) {
  const auto [least, most] = extremes(nullptr, 0);
  EXPECT_GT(least, most);
}

TEST(Wide, GivesTheSameBitsAsThePlainLoop) {
  Random random(1);
  std::vector<double> in(1001);
  for (double& value : in) value = random.unit() * 100.0 - 50.0;
  std::vector<double> plain(in.size());
  std::vector<double> widened(in.size());
  const auto loop = [&](double* out) {
    return [&in, out]() __attribute__((always_inline)) {
      for (std::size_t i = 0; i < in.size(); ++i) out[i] = in[i] * 3.1 + in[i] / 7.7;
    };
  };
  loop(plain.data())();
  wide(loop(widened.data()));
  EXPECT_EQ(plain, widened);
}

}  // namespace
}  // namespace pointsman
