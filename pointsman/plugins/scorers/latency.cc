#include "pointsman/plugins/scorers/latency.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pointsman {
namespace {

constexpr double kNoRange = 1e-9;
constexpr double kMiddle = 0.5;

// The least and greatest of what was shown to it.
struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  double width() const { return high - low; }
  bool empty() const { return !(width() > kNoRange); }
  double share(double value) const { return empty() ? kMiddle : (value - low) / width(); }
};

// A hundredth more than a share in whole hundredths, so that the worst still scores something.
double in_hundredths(double share) {
  return (std::trunc(share * 100.0) + 1.0) / 100.0;
}

bool meets(const LatencyPrediction& p) {
  return !(p.ttft_headroom_ms < 0.0) && !(p.tpot_headroom_ms < 0.0);
}

}  // namespace

LatencyScorer::LatencyScorer(const Params& params, Setup& setup)
    : most_(params.strategy == "most"),
      latency_(setup.reads<LatencyPrediction>(
          DataKey{"LatencyPredictionInfoDataKey", "predicted-latency-producer"}.from(
              params.latency_producer))),
      match_(setup.reads<PrefixMatch>(
          DataKey{"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"}.from(
              params.prefix_producer))) {
  if (const double sum = params.ttft_weight + params.tpot_weight; sum > 0.0) {
    ttft_share_ = params.ttft_weight / sum;
    tpot_share_ = params.tpot_weight / sum;
  }
  if (const double sum = params.kv_weight + params.queue_weight + params.prefix_weight; sum > 0.0) {
    kv_share_ = params.kv_weight / sum;
    queue_share_ = params.queue_weight / sum;
    prefix_share_ = params.prefix_weight / sum;
  }
}

// Scores those for which in() is true; says whether there are any.
template <typename In>
bool LatencyScorer::bucket(std::span<const LatencyPrediction> predictions,
                           std::span<const EndpointIndex> candidates, std::span<double> out,
                           bool most, In in) const {
  Range ttft;
  Range tpot;
  bool any = false;
  for (const EndpointIndex e : candidates) {
    const LatencyPrediction& p = predictions[e];
    if (!in(p)) continue;
    any = true;
    if (!p.known) continue;
    ttft.add(std::abs(p.ttft_headroom_ms));
    tpot.add(std::abs(p.tpot_headroom_ms));
  }
  double alpha = ttft_share_;
  double beta = tpot_share_;
  if (ttft.empty() != tpot.empty()) {
    alpha = ttft.empty() ? 0.0 : 1.0;
    beta = 1.0 - alpha;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const LatencyPrediction& p = predictions[candidates[i]];
    if (!in(p)) continue;
    double combined = kMiddle;
    if (p.known) {
      combined = alpha * ttft.share(std::abs(p.ttft_headroom_ms)) +
                 beta * tpot.share(std::abs(p.tpot_headroom_ms));
    }
    out[i] = in_hundredths(most ? combined : 1.0 - combined);
  }
  return any;
}

void LatencyScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                          std::span<double> out) const {
  std::ranges::fill(out, 0.0);
  const auto predictions = context.signals.read(latency_);
  if (predictions.empty() ||
      std::ranges::none_of(candidates, [&](EndpointIndex e) { return predictions[e].known; })) {
    return composite(context, candidates, out);
  }
  using P = LatencyPrediction;
  if (bucket(predictions, candidates, out, most_, meets)) return;
  // Nobody meets the objectives.
  const auto least = [&](auto in) { return bucket(predictions, candidates, out, false, in); };
  if (least([](const P& p) { return p.dispatched == 0; })) return;
  if (least([](const P& p) { return p.ttft_headroom_ms >= 0.0; })) return;
  if (least([](const P& p) { return p.tpot_headroom_ms >= 0.0; })) return;
  least([](const P&) { return true; });
}

void LatencyScorer::composite(const Context& context, std::span<const EndpointIndex> candidates,
                              std::span<double> out) const {
  const auto matches = context.signals.read(match_);
  const LoadView waiting = context.load(Load::waiting);
  const LoadView usage = context.load(Load::kv_usage);
  double longest = 0.0;
  for (const EndpointIndex e : candidates) {
    if (waiting[e] > longest) longest = waiting[e];  // false for NaN
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const EndpointIndex e = candidates[i];
    // What is not known earns nothing.
    const double queue = std::isnan(waiting[e]) ? 0.0
                         : longest > 0.0        ? (longest - waiting[e]) / longest
                                                : 1.0;
    const double cache = std::isnan(usage[e]) ? 0.0 : 1.0 - usage[e];
    const double prefix = matches.empty() || matches[e].total <= 0
                              ? 0.0
                              : static_cast<double>(matches[e].match) / matches[e].total;
    out[i] =
        std::round(100.0 * (kv_share_ * cache + queue_share_ * queue + prefix_share_ * prefix)) /
        100.0;
  }
}

}  // namespace pointsman
