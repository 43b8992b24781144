#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "pointsman/model/endpoint.h"
#include "pointsman/model/signals.h"

namespace pointsman {

// What is under way at every endpoint: one cell per slot, shared by all workers. A cell's counts
// carry the generation of the endpoint they belong to, so that the end of a request to an endpoint
// that has left never meets its successor in the slot.
//
// Threading: any thread, without locks.
class InflightTable {
 public:
  InflightTable() = default;
  InflightTable(const InflightTable&) = delete;
  InflightTable& operator=(const InflightTable&) = delete;
  ~InflightTable();

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
  static constexpr std::size_t kPageCells = 64;
  static constexpr std::size_t kPages = 65536 / kPageCells;
  struct Page {
    std::array<Cell, kPageCells> cells;
  };

  static std::int64_t value(const Count& count, EndpointKey endpoint);
  static void change(Count& count, EndpointKey endpoint, std::int64_t by);
  Cell& cell(std::uint16_t slot);

  std::array<std::atomic<Page*>, kPages> pages_{};
};

}  // namespace pointsman
