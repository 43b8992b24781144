#include "pointsman/plugins/filters/utilization.h"

#include <algorithm>
#include <utility>

namespace pointsman {
namespace {

struct Metric {
  std::string_view name;
  std::optional<Load> load;  // none: active requests
};

constexpr auto kMetrics = std::to_array<Metric>({
    {"active-requests", std::nullopt},
    {"running-requests", Load::running},
    {"waiting-queue", Load::waiting},
    {"kv-cache-utilization", Load::kv_usage},
});

Result<void> invalid(const std::string& what) {
  return fail(Code::invalid_config, "utilization-filter: " + what);
}

}  // namespace

Result<void> UtilizationFilterParams::check(const UtilizationFilterParams& params) {
  if (params.conditions.empty()) return invalid("at least one condition is required");
  for (const Condition& c : params.conditions) {
    const auto* const metric = std::ranges::find(kMetrics, c.metric, &Metric::name);
    if (metric == kMetrics.end()) {
      return invalid("unknown metric \"" + c.metric +
                     "\", must be one of active-requests, running-requests, waiting-queue, "
                     "kv-cache-utilization");
    }
    if (!c.max_value) return invalid("maxValue is required for metric \"" + c.metric + "\"");
    if (!(*c.max_value >= 0.0)) {
      return invalid("maxValue must be >= 0 for metric \"" + c.metric + "\"");
    }
    if (metric->load == Load::kv_usage && *c.max_value > 1.0) {
      return invalid("maxValue must be <= 1 for metric \"" + c.metric + "\"");
    }
  }
  return {};
}

UtilizationFilter::UtilizationFilter(const Params& params, Setup& setup)
    : fallback_(params.fallback_on_empty) {
  for (const Params::Condition& c : params.conditions) {
    const auto load = std::ranges::find(kMetrics, c.metric, &Metric::name)->load;
    conditions_.push_back({load, *c.max_value});
    if (load || active_) continue;
    active_ = setup.reads<InFlightLoad>(
        DataKey{"InFlightLoadDataKey", "inflight-load-producer"}.from(params.producer));
  }
}

bool UtilizationFilter::holds(const Condition& condition, const Context& context,
                              std::span<const InFlightLoad> active, EndpointIndex e) const {
  // Written so that a missing load passes.
  if (condition.load) return !(context.load(*condition.load)[e] > condition.most);
  return active.empty() || static_cast<double>(active[e].requests) <= condition.most;
}

void UtilizationFilter::filter(const Context& context, Candidates& candidates) const {
  const auto active = active_ ? context.signals.read(*active_) : std::span<const InFlightLoad>{};
  const auto keep = [&](EndpointIndex e) {
    return std::ranges::all_of(conditions_,
                               [&](const Condition& c) { return holds(c, context, active, e); });
  };
  if (fallback_) {
    candidates.keep_if_any(DropReason::saturated, keep);
  } else {
    candidates.keep_if(DropReason::saturated, keep);
  }
}

}  // namespace pointsman
