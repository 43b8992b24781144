#include "pointsman/plugins/filters/prefix_cache_affinity.h"

#include <algorithm>
#include <limits>

namespace pointsman {
namespace {

Result<void> invalid(const std::string& rule, double value) {
  return fail(Code::invalid_config, rule + ", got " + std::to_string(value));
}

constexpr std::string_view kThroughput = "prefillThroughput";
constexpr std::string_view kPredictor = "latencyPredictor";

}  // namespace

// Written so that NaN fails.
Result<void> PrefixCacheAffinityParams::check(const PrefixCacheAffinityParams& p) {
  if (!(p.threshold <= 1.0)) return invalid("affinityThreshold must be <= 1.0", p.threshold);
  if (!(p.exploration >= 0.0 && p.exploration <= 1.0)) {
    return invalid("explorationProbability must be in [0, 1]", p.exploration);
  }
  if (!(p.max_penalty_ms >= 0.0)) {
    return invalid("maxTTFTPenaltyMs must be >= 0", p.max_penalty_ms);
  }
  if (p.ttft_source != kThroughput && p.ttft_source != kPredictor) {
    return fail(Code::invalid_config,
                "ttftSource must be \"prefillThroughput\" or \"latencyPredictor\", got \"" +
                    p.ttft_source + "\"");
  }
  if (!(p.peak_throughput >= 0.0)) {
    return invalid("peakPrefillThroughput must be >= 0", p.peak_throughput);
  }
  if (p.max_penalty_ms > 0.0 && p.ttft_source == kThroughput && p.peak_throughput <= 0.0) {
    return invalid(
        "peakPrefillThroughput must be > 0 when ttftSource is \"prefillThroughput\" and "
        "maxTTFTPenaltyMs > 0",
        p.peak_throughput);
  }
  return {};
}

PrefixCacheAffinityFilter::PrefixCacheAffinityFilter(const Params& params, Setup& setup)
    : threshold_(params.threshold),
      exploration_(params.exploration),
      max_penalty_ms_(params.max_penalty_ms),
      peak_throughput_(params.peak_throughput),
      match_(setup.reads<PrefixMatch>(
          DataKey{"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"}.from(
              params.prefix_producer))) {
  if (max_penalty_ms_ <= 0.0) return;
  if (params.ttft_source == kPredictor) {
    latency_ = setup.reads<LatencyPrediction>(
        DataKey{"LatencyPredictionInfoDataKey", "predicted-latency-producer"}.from(
            params.latency_producer));
  } else {
    load_ = setup.reads<InFlightLoad>(
        DataKey{"InFlightLoadDataKey", "inflight-load-producer"}.from(params.load_producer));
  }
}

double PrefixCacheAffinityFilter::ttft_ms(const Context& context, EndpointIndex e) const {
  if (latency_) {
    const auto predictions = context.signals.read(*latency_);
    if (predictions.empty() || !predictions[e].known) return std::numeric_limits<double>::max();
    return predictions[e].ttft_ms;
  }
  const auto loads = context.signals.read(*load_);
  if (loads.empty()) return 0.0;
  return static_cast<double>(loads[e].tokens) / peak_throughput_ * 1000.0;
}

void PrefixCacheAffinityFilter::filter(const Context& context, Candidates& candidates) const {
  if (candidates.size() <= 1 || threshold_ <= 0.0) return;
  if (exploration_ > 0.0 && candidates.random().unit() < exploration_) return;
  const auto matches = context.signals.read(match_);
  if (matches.empty()) return;
  const auto warm = [&](EndpointIndex e) {
    const PrefixMatch& m = matches[e];
    return (m.total > 0 ? static_cast<double>(m.match) / m.total : 0.0) >= threshold_;
  };
  std::size_t warm_ones = 0;
  double best_warm = std::numeric_limits<double>::infinity();
  double best_cold = best_warm;
  for (const EndpointIndex e : candidates.list()) {
    const bool is_warm = warm(e);
    warm_ones += is_warm ? 1U : 0U;
    if (max_penalty_ms_ <= 0.0) continue;
    double& best = is_warm ? best_warm : best_cold;
    best = std::min(best, ttft_ms(context, e));
  }
  if (warm_ones == 0 || warm_ones == candidates.size()) return;
  if (max_penalty_ms_ > 0.0 && best_warm - best_cold > max_penalty_ms_) return;
  candidates.keep_if(DropReason::prefix, warm);
}

}  // namespace pointsman
