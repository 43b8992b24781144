#include "pointsman/telemetry/sampler.h"

namespace pointsman {
namespace {

// floor(ratio * 2^63), exact: scaling by a power of two loses nothing.
std::uint64_t bound_of(double ratio) {
  if (ratio >= 1) return std::uint64_t{1} << 63U;
  return ratio > 0 ? static_cast<std::uint64_t>(ratio * 0x1p63) : 0;
}

}  // namespace

Sampler::Sampler(double ratio, bool parent_based)
    : parent_based_(parent_based), bound_(bound_of(ratio)) {}

}  // namespace pointsman
