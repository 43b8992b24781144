#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "pointsman/model/signals.h"

namespace pointsman {

// How many of the prompt's tokens the endpoint is believed to hold, by whoever believes in most of
// those who wrote these columns; -1: nobody knows.
inline std::int64_t predicted_cached_tokens(const Signals& signals,
                                            std::span<const Column<PrefixMatch>> columns,
                                            EndpointIndex e) {
  std::int64_t most = -1;
  for (const Column<PrefixMatch> column : columns) {
    const auto matches = signals.read(column);
    if (matches.empty() || matches[e].total <= 0) continue;
    most = std::max(most, std::int64_t{matches[e].cached} * matches[e].block_tokens);
  }
  return most;
}

}  // namespace pointsman
