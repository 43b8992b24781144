#include "pointsman/plugins/producers/inflight_table.h"

#include <algorithm>

namespace pointsman {
namespace {

constexpr unsigned kCountBits = 48;
constexpr std::uint64_t kCountMask = (std::uint64_t{1} << kCountBits) - 1;

std::uint64_t generation(EndpointKey endpoint) {
  return endpoint.value >> 16U;
}

// Whether generation `a` came after `b`; they wrap.
bool newer(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(a - b)) > 0;
}

}  // namespace

std::int64_t InflightTable::value(const Count& count, EndpointKey endpoint) {
  const std::uint64_t word = count.load(std::memory_order_relaxed);
  return word >> kCountBits == generation(endpoint) ? static_cast<std::int64_t>(word & kCountMask)
                                                    : 0;
}

InFlightLoad InflightTable::read(EndpointKey endpoint) const {
  const Cell* const cell = cells_.find(endpoint.slot());
  if (cell == nullptr) return {};
  return {.tokens = value(cell->tokens, endpoint), .requests = value(cell->requests, endpoint)};
}

void InflightTable::change(Count& count, EndpointKey endpoint, std::int64_t by) {
  const std::uint64_t mine = generation(endpoint);
  std::uint64_t word = count.load(std::memory_order_relaxed);
  std::uint64_t next = 0;
  do {
    const std::uint64_t theirs = word >> kCountBits;
    auto before = static_cast<std::int64_t>(word & kCountMask);
    if (theirs != mine) {
      // The predecessor's counts are forgotten; a successor's are not ours to change.
      if (by <= 0 || (before != 0 && !newer(mine, theirs))) return;
      before = 0;
    }
    const auto after =
        static_cast<std::uint64_t>(std::max<std::int64_t>(before + by, 0)) & kCountMask;
    next = mine << kCountBits | after;
  } while (!count.compare_exchange_weak(word, next, std::memory_order_relaxed));
}

void InflightTable::add(EndpointKey endpoint, std::int64_t requests, std::int64_t tokens) {
  Cell& mine = cells_.at(endpoint.slot());
  if (requests != 0) change(mine.requests, endpoint, requests);
  if (tokens != 0) change(mine.tokens, endpoint, tokens);
}

}  // namespace pointsman
