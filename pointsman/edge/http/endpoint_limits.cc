#include "pointsman/edge/http/endpoint_limits.h"

namespace pointsman {

EndpointLimits::EndpointLimits(std::uint32_t most, const EndpointGate& other)
    : most_(most), other_(other) {}

bool EndpointLimits::closed(EndpointKey endpoint, Clock::time_point now) const {
  const auto* const count = counts_.find(endpoint.slot());  // null without a limit
  const bool full = count != nullptr && count->load(std::memory_order_relaxed) >= most_;
  return full || other_.closed(endpoint, now);
}

std::optional<EndpointLimits::Slot> EndpointLimits::take(EndpointKey endpoint) {
  if (most_ == 0) return Slot();
  std::atomic<std::uint32_t>& count = counts_.at(endpoint.slot());
  std::uint32_t before = count.load(std::memory_order_relaxed);
  do {
    if (before >= most_) return std::nullopt;
  } while (!count.compare_exchange_weak(before, before + 1));
  if (before + 1 == most_) full_.fetch_add(1);
  return Slot(*this, endpoint);
}

void EndpointLimits::give(EndpointKey endpoint) {
  if (counts_.at(endpoint.slot()).fetch_sub(1) == most_) full_.fetch_sub(1);
}

}  // namespace pointsman
