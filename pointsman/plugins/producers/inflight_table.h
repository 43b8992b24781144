#pragma once

#include <atomic>
#include <cstdint>

#include "pointsman/model/endpoint.h"
#include "pointsman/model/signals.h"
#include "pointsman/model/slot_pages.h"

namespace pointsman {

// What is under way at every endpoint: one cell per slot, shared by all workers. A cell's counts
// carry the generation of the endpoint they belong to, so that the end of a request to an endpoint
// that has left never meets its successor in the slot.
//
// Threading: any thread, without locks.
class InflightTable {
 public:
  InFlightLoad read(EndpointKey endpoint) const;
  // Negative changes take back what was added; counts never fall below 0.
  void add(EndpointKey endpoint, std::int64_t requests, std::int64_t tokens);

 private:
  // High 16 bits: generation; low 48: count.
  using Count = std::atomic<std::uint64_t>;
  struct alignas(64) Cell {  // of a cache line of its own
    Count requests{0};
    Count tokens{0};
  };

  static std::int64_t value(const Count& count, EndpointKey endpoint);
  static void change(Count& count, EndpointKey endpoint, std::int64_t by);

  SlotPages<Cell> cells_;
};

}  // namespace pointsman
