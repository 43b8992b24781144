#pragma once

#include <cstdint>
#include <string>
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

}  // namespace pointsman
