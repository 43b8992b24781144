#include "pointsman/plugins/filters/slo_headroom_tier.h"

namespace pointsman {

Result<void> SloHeadroomTierParams::check(const SloHeadroomTierParams& params) {
  if (params.explore_negative >= 0.0 && params.explore_negative <= 1.0) return {};
  return fail(Code::invalid_config, "epsilonExploreNeg must be in [0, 1], got " +
                                        std::to_string(params.explore_negative));
}

SloHeadroomTierFilter::SloHeadroomTierFilter(const Params& params, Setup& setup)
    : explore_negative_(params.explore_negative),
      latency_(setup.reads<LatencyPrediction>(
          DataKey{"LatencyPredictionInfoDataKey", "predicted-latency-producer"}.from(
              params.producer))) {}

void SloHeadroomTierFilter::filter(const Context& context, Candidates& candidates) const {
  const auto predictions = context.signals.read(latency_);
  if (candidates.size() <= 1 || predictions.empty()) return;
  const auto meets = [&](EndpointIndex e) {
    const LatencyPrediction& p = predictions[e];
    return p.known && p.ttft_headroom_ms >= 0.0 && p.tpot_headroom_ms >= 0.0;
  };
  std::size_t good = 0;
  for (const EndpointIndex e : candidates.list()) good += meets(e) ? 1U : 0U;
  if (good == 0 || good == candidates.size()) return;
  const bool explore = candidates.random().unit() < explore_negative_;
  candidates.keep_if(DropReason::headroom, [&](EndpointIndex e) { return meets(e) != explore; });
}

}  // namespace pointsman
