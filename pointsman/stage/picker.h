#pragma once

#include <cstddef>
#include <span>

#include "pointsman/base/random.h"
#include "pointsman/model/names.h"
#include "pointsman/model/trace.h"

namespace pointsman {

// Chooses from the scored candidates. It does not see the request.
class Picker {
 public:
  virtual ~Picker() = default;

  // Writes the picks to the front of `out`, best first, and returns how many.
  // `out` may serve as scratch. `random` starts from the seed that the Decision records.
  // REQUIRES: totals.size() == out.size() == candidates.size().
  // Threading: called concurrently. Must not block, allocate or log.
  virtual std::size_t pick(std::span<const EndpointIndex> candidates,
                           std::span<const double> totals, Random& random, Trace& trace,
                           std::span<EndpointIndex> out) const = 0;
};

}  // namespace pointsman
