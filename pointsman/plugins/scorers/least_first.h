#pragma once

#include <cstddef>
#include <span>

#include "pointsman/base/extremes.h"
#include "pointsman/base/wide.h"
#include "pointsman/stage/context.h"

namespace pointsman {

// Min-max over those that have a value: the least scores 1, the greatest 0, all 1 when equal. What
// has none (NaN) gets no score.
inline void score_least_first(const LoadView& values, std::span<const EndpointIndex> candidates,
                              std::span<double> out) {
  const LoadView loads = values;  // of its own, so that the loop keeps it in registers
  const EndpointIndex* const endpoint = candidates.data();
  double* const score = out.data();
  const std::size_t n = out.size();
  wide([=]() __attribute__((always_inline)) {
    for (std::size_t i = 0; i < n; ++i) score[i] = loads[endpoint[i]];

    const auto [least, most] = extremes(score, n);
    const double range = most - least;
    if (range > 0.0) {
      for (std::size_t k = 0; k < n; ++k) score[k] = (most - score[k]) / range;
    } else {  // all that are known are equal
      for (std::size_t k = 0; k < n; ++k) score[k] = score[k] == score[k] ? 1.0 : kMissing;
    }
  });
}

// What is left of 1: a usage of 0.3 scores 0.7, one that is unknown gets no score.
inline void score_what_is_left(const LoadView& values, std::span<const EndpointIndex> candidates,
                               std::span<double> out) {
  const LoadView usage = values;
  const EndpointIndex* const endpoint = candidates.data();
  double* const score = out.data();
  const std::size_t n = out.size();
  wide([=]() __attribute__((always_inline)) {
    for (std::size_t i = 0; i < n; ++i) score[i] = 1.0 - usage[endpoint[i]];
  });
}

}  // namespace pointsman
