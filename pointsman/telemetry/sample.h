#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pointsman/telemetry/family.h"

namespace pointsman {

// The value of one series at one moment, all shards together.
struct Sample {
  const FamilySpec* family = nullptr;
  std::vector<std::string> labels;     // in the family's order
  double value = 0;                    // a histogram's sum
  std::vector<std::uint64_t> buckets;  // of a histogram, one per bound and one above; not cumulated
};

// Adds a series whose value is a whole number.
inline void add_count(std::vector<Sample>& samples, const FamilySpec& family,
                      std::vector<std::string> labels, std::uint64_t value) {
  samples.push_back({.family = &family,
                     .labels = std::move(labels),
                     .value = static_cast<double>(value),
                     .buckets = {}});
}

}  // namespace pointsman
