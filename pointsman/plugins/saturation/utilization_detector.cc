#include "pointsman/plugins/saturation/utilization_detector.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "pointsman/config/duration.h"

namespace pointsman {
namespace {

double load(const Fleet& fleet, Load which, EndpointIndex e) {
  return fleet.load(which).value[e];
}

}  // namespace

// All violations at once, one a line, as the reference reports them.
Result<void> UtilizationDetectorParams::check(const UtilizationDetectorParams& params) {
  std::string wrong;
  const auto add = [&wrong](const std::string& text) {
    wrong += (wrong.empty() ? "" : "\n") + text;
  };
  if (params.queue_depth <= 0) {
    add("queueDepthThreshold must be strictly positive, got " + std::to_string(params.queue_depth));
  }
  if (!(params.kv_cache > 0.0 && params.kv_cache <= 1.0)) {
    add("kvCacheUtilThreshold must be in (0.0, 1.0], got " + std::to_string(params.kv_cache));
  }
  if (params.staleness.count() <= 0) {
    add("metricsStalenessThreshold must be strictly positive, got " +
        format_duration(params.staleness));
  }
  if (!(params.headroom >= 0.0)) {
    add("headroom must be a non-negative value, got " + std::to_string(params.headroom));
  }
  if (wrong.empty()) return {};
  return fail(Code::invalid_config, "invalid utilization detector configuration: " + wrong);
}

UtilizationDetector::UtilizationDetector(Params params, Setup& /*setup*/)
    : queue_depth_(params.queue_depth),
      kv_cache_(params.kv_cache),
      staleness_(params.staleness),
      headroom_(params.headroom) {}

bool UtilizationDetector::fresh(const Fleet& fleet, EndpointIndex e, Clock::time_point now) const {
  const Clock::time_point read = fleet.read_at(e);
  return read != Clock::time_point{} && now - read <= staleness_;
}

double UtilizationDetector::saturation(const Fleet& fleet, std::span<const EndpointIndex> endpoints,
                                       Clock::time_point now) const {
  if (endpoints.empty()) return 1.0;
  double sum = 0.0;
  for (const EndpointIndex e : endpoints) {
    if (!fresh(fleet, e, now)) {
      sum += 1.0;
      continue;
    }
    // A fresh page without one of the two values says nothing against the server.
    const double waiting = load(fleet, Load::waiting, e);
    const double usage = load(fleet, Load::kv_usage, e);
    sum += std::max(std::isnan(waiting) ? 0.0 : waiting / queue_depth_,
                    std::isnan(usage) ? 0.0 : usage / kv_cache_);
  }
  return sum / static_cast<double>(endpoints.size());
}

void UtilizationDetector::filter(const Context& context, Candidates& candidates) const {
  const Fleet& fleet = context.fleet;
  const auto passes = [&](EndpointIndex e) {
    if (!fresh(fleet, e, context.now)) return false;
    // Written so that a missing value passes.
    return !(load(fleet, Load::waiting, e) >= queue_depth_ * (1.0 + headroom_)) &&
           !(load(fleet, Load::kv_usage, e) >= kv_cache_ * (1.0 + headroom_));
  };
  if (std::ranges::none_of(candidates.list(), passes)) return;
  candidates.keep_if(DropReason::saturated, passes);
}

}  // namespace pointsman
