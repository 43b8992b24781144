#pragma once

#include <array>
#include <cstdint>

#include "pointsman/model/trace.h"

namespace pointsman {

// Decides whether a request is recorded: by its parent's decision, or by its trace id.
class Sampler {
 public:
  // The default: a parent decides, and one in ten traces that start here is recorded.
  Sampler() : Sampler(0.1, true) {}

  // Records the share `ratio` of all traces: everything from 1 on, nothing from 0 down. With
  // `parent_based` that holds for traces that start here; others follow their parent.
  Sampler(double ratio, bool parent_based);

  // `parent` is invalid when there is none.
  bool samples(const SpanContext& parent, const std::array<std::uint8_t, 16>& trace_id) const {
    if (parent_based_ && parent.valid()) return parent.sampled();
    std::uint64_t low = 0;
    for (std::size_t i = 8; i < 16; ++i) low = low << 8U | trace_id[i];
    return (low >> 1U) < bound_;
  }

 private:
  bool parent_based_;
  std::uint64_t bound_;  // of the trace id's low half without its last bit: at most 2^63
};

}  // namespace pointsman
