#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>

namespace pointsman {

// The least and the greatest of some numbers; NaN is passed over. Infinities the wrong way round
// when there is none.
struct Extremes {
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();
};

// Four running extremes instead of one: comparisons need not wait for each other.
[[gnu::always_inline]] inline Extremes extremes(const double* values, std::size_t count) {
  constexpr std::size_t kLanes = 4;
  constexpr Extremes kNone;
  std::array<double, kLanes> low{kNone.least, kNone.least, kNone.least, kNone.least};
  std::array<double, kLanes> high{kNone.most, kNone.most, kNone.most, kNone.most};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double value = values[i + lane];
      low[lane] = value < low[lane] ? value : low[lane];  // both are false for NaN
      high[lane] = value > high[lane] ? value : high[lane];
    }
  }
  for (; i < count; ++i) {
    low[0] = values[i] < low[0] ? values[i] : low[0];
    high[0] = values[i] > high[0] ? values[i] : high[0];
  }
  return {std::min(std::min(low[0], low[1]), std::min(low[2], low[3])),
          std::max(std::max(high[0], high[1]), std::max(high[2], high[3]))};
}

}  // namespace pointsman
