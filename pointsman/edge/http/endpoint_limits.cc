#include "pointsman/edge/http/endpoint_limits.h"

namespace pointsman {

bool EndpointLimits::closed(EndpointKey endpoint, Clock::time_point /*now*/) const {
  const auto* const count = counts_.find(endpoint.slot());  // null before its first request
  return count != nullptr && count->load(std::memory_order_relaxed) >= most_;
}

std::optional<EndpointLimits::Slot> EndpointLimits::take(EndpointKey endpoint) {
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
