#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct PrefixCacheAffinityParams {
  double threshold = 0.80;
  double exploration = 0.0;
  double max_penalty_ms = 18'000;
  std::string ttft_source = "prefillThroughput";
  double peak_throughput = 15'928;
  std::string prefix_producer;
  std::string latency_producer;
  std::string load_producer;

  static constexpr auto fields() {
    using P = PrefixCacheAffinityParams;
    return std::tuple{
        field("affinityThreshold", &P::threshold,
              "Share of the prompt that an endpoint must hold to count as warm; 0 or less: off."),
        field("explorationProbability", &P::exploration,
              "Share of requests, 0 to 1, for which all endpoints stay."),
        field("maxTTFTPenaltyMs", &P::max_penalty_ms,
              "Milliseconds by which the best warm endpoint may be slower than the best other; "
              "0: any."),
        field("ttftSource", &P::ttft_source,
              "Where times to the first token come from: prefillThroughput or latencyPredictor."),
        field("peakPrefillThroughput", &P::peak_throughput,
              "Tokens per second by which tokens in flight become a time."),
        field("prefixMatchInfoProducerName", &P::prefix_producer,
              "Which producer's match is read; empty: approx-prefix-cache-producer."),
        field("latencyPredictionInfoProducerName", &P::latency_producer,
              "Which producer's prediction is read; empty: predicted-latency-producer."),
        field("inFlightLoadProducerName", &P::load_producer,
              "Which producer's load is read; empty: inflight-load-producer."),
    };
  }
  static Result<void> check(const PrefixCacheAffinityParams& params);
};

// Keeps the endpoints that hold enough of the prompt's beginning, if there are any and waiting for
// them does not cost too much (spec/01 section 3.1.7). Where the predictor knows nothing of anyone,
// waiting costs nothing.
class PrefixCacheAffinityFilter final : public Filter {
 public:
  using Params = PrefixCacheAffinityParams;
  static constexpr std::string_view kType = "prefix-cache-affinity-filter";
  static constexpr std::string_view kHelp =
      "Keeps endpoints that hold most of the prompt in their KV cache, unless they are too slow.";
  static constexpr std::string_view kParseError = "failed to unmarshal config: ";

  PrefixCacheAffinityFilter(const Params& params, Setup& setup);
  void filter(const Context& context, Candidates& candidates) const override;

 private:
  double ttft_ms(const Context& context, EndpointIndex e) const;

  double threshold_;
  double exploration_;
  double max_penalty_ms_;
  double peak_throughput_;
  Column<PrefixMatch> match_;
  std::optional<Column<LatencyPrediction>> latency_;
  std::optional<Column<InFlightLoad>> load_;
};

}  // namespace pointsman
