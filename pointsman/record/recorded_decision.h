#pragma once

#include <cstdint>
#include <vector>

#include "pointsman/model/decision.h"

namespace pointsman {

// A decision as a record tells it. Scores are those for display, rounded to float32; what they were
// exactly is in the hashes.
struct RecordedDecision {
  Decision decision;
  std::vector<std::uint64_t> row_hashes;    // of every scorer of every run that did not fail
  std::vector<std::uint64_t> total_hashes;  // of every run that did not fail

  void reset() {
    decision.reset();
    row_hashes.clear();
    total_hashes.clear();
  }
};

// The hashes that a record of this decision would hold.
void hash_rows(const Decision& decision, std::vector<std::uint64_t>& rows,
               std::vector<std::uint64_t>& totals);

}  // namespace pointsman
