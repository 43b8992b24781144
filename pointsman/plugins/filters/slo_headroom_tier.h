#pragma once

#include <string>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct SloHeadroomTierParams {
  double explore_negative = 0.01;
  std::string producer;

  static constexpr auto fields() {
    using P = SloHeadroomTierParams;
    return std::tuple{
        field("epsilonExploreNeg", &P::explore_negative,
              "Share of requests, 0 to 1, that go to endpoints expected to miss the objective."),
        field("latencyPredictionInfoProducerName", &P::producer,
              "Which producer's prediction is read; empty: predicted-latency-producer."),
    };
  }
  static Result<void> check(const SloHeadroomTierParams& params);
};

// Keeps the endpoints expected to meet the latency objectives; now and then the others instead, so
// that the prediction learns about them too. Endpoints without a prediction are among the others.
class SloHeadroomTierFilter final : public Filter {
 public:
  using Params = SloHeadroomTierParams;
  static constexpr std::string_view kType = "slo-headroom-tier-filter";
  static constexpr std::string_view kHelp =
      "Keeps endpoints expected to meet the request's latency objectives.";

  SloHeadroomTierFilter(const Params& params, Setup& setup);
  void filter(const Context& context, Candidates& candidates) const override;

 private:
  double explore_negative_;
  Column<LatencyPrediction> latency_;
};

}  // namespace pointsman
