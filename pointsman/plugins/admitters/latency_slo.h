#pragma once

#include <string>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct LatencySloParams {
  std::string latency_producer;

  static constexpr auto fields() {
    return std::tuple{
        field("latencyPredictionInfoProducerName", &LatencySloParams::latency_producer,
              "Whose predictions count; empty: predicted-latency-producer."),
    };
  }
};

// Refuses a sheddable request that states latency objectives when no endpoint is predicted to meet
// them, and none is idle or cold (spec/03 section 15.2). What is not known admits.
class LatencySloAdmitter final : public Admitter {
 public:
  using Params = LatencySloParams;
  static constexpr std::string_view kType = "latency-slo-admitter";
  static constexpr std::string_view kHelp =
      "Refuses sheddable requests whose latency objectives no endpoint is predicted to meet.";

  LatencySloAdmitter(const Params& params, Setup& setup);
  Result<void> admit(const Context& context, std::span<const EndpointIndex> candidates,
                     Random random) const override;

 private:
  Column<LatencyPrediction> latency_;
};

}  // namespace pointsman
