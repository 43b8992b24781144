#pragma once

#include <span>
#include <string>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct LatencyScorerParams {
  double ttft_weight = 0.8;
  double tpot_weight = 0.2;
  std::string strategy = "least";
  double kv_weight = 1.0;
  double queue_weight = 1.0;
  double prefix_weight = 1.0;
  std::string latency_producer;
  std::string prefix_producer;

  static constexpr auto fields() {
    using P = LatencyScorerParams;
    return std::tuple{
        field("ttftWeight", &P::ttft_weight, "Weight of the time to the first token."),
        field("tpotWeight", &P::tpot_weight, "Weight of the time per output token."),
        field(
            "headroomSelectionStrategy", &P::strategy,
            "most: prefer much headroom. Anything else: prefer little, so that endpoints fill up."),
        field("compositeKVWeight", &P::kv_weight, "Weight of free KV cache without predictions."),
        field("compositeQueueWeight", &P::queue_weight,
              "Weight of a short queue without predictions."),
        field("compositePrefixWeight", &P::prefix_weight,
              "Weight of the cached prefix without predictions."),
        field("latencyPredictionInfoProducerName", &P::latency_producer,
              "Which producer's prediction is read; empty: predicted-latency-producer."),
        field("prefixMatchInfoProducerName", &P::prefix_producer,
              "Which producer's match is read; empty: approx-prefix-cache-producer."),
    };
  }
};

// Scores by predicted headroom against the latency objectives (spec/01 section 3.2.17): those that
// meet both come before those that do not; among these first the idle ones, then those that miss
// only the time per output token, only the time to the first token, both. Without any prediction a
// blend of free cache, queue and cached prefix decides. An endpoint without a prediction ranks in
// the middle of those that meet the objectives.
class LatencyScorer final : public Scorer {
 public:
  using Params = LatencyScorerParams;
  static constexpr std::string_view kType = "latency-scorer";
  static constexpr std::string_view kHelp =
      "Prefers endpoints by predicted headroom against the request's latency objectives.";

  LatencyScorer(const Params& params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;

 private:
  void composite(const Context& context, std::span<const EndpointIndex> candidates,
                 std::span<double> out) const;
  template <typename In>
  bool bucket(std::span<const LatencyPrediction> predictions,
              std::span<const EndpointIndex> candidates, std::span<double> out, bool most,
              In in) const;

  double ttft_share_ = 1.0;
  double tpot_share_ = 0.0;
  bool most_;
  double kv_share_ = 1.0;
  double queue_share_ = 0.0;
  double prefix_share_ = 0.0;
  Column<LatencyPrediction> latency_;
  Column<PrefixMatch> match_;
};

}  // namespace pointsman
