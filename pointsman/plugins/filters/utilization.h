#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct UtilizationFilterParams {
  struct Condition {
    std::string metric;
    std::optional<double> max_value;

    static constexpr auto fields() {
      using P = Condition;
      return std::tuple{
          field("metric", &P::metric,
                "active-requests, running-requests, waiting-queue or kv-cache-utilization."),
          field("maxValue", &P::max_value, "The largest value with which an endpoint stays."),
      };
    }
  };

  std::vector<Condition> conditions;
  bool fallback_on_empty = false;
  std::string producer;

  static constexpr auto fields() {
    using P = UtilizationFilterParams;
    return std::tuple{
        field("conditions", &P::conditions, "All must hold; at least one."),
        field("fallbackOnEmpty", &P::fallback_on_empty, "Keep all when none would stay."),
        field("inFlightLoadProducerName", &P::producer,
              "Who counts active requests; empty: inflight-load-producer."),
    };
  }
  static Result<void> check(const UtilizationFilterParams& params);
};

// Keeps the endpoints whose loads are within limits. A load that is missing does not count against
// an endpoint.
class UtilizationFilter final : public Filter {
 public:
  using Params = UtilizationFilterParams;
  static constexpr std::string_view kType = "utilization-filter";
  static constexpr std::string_view kHelp = "Keeps endpoints whose loads are within limits.";

  UtilizationFilter(const Params& params, Setup& setup);
  void filter(const Context& context, Candidates& candidates) const override;

 private:
  struct Condition {
    std::optional<Load> load;  // none: active requests
    double most = 0.0;
  };

  bool holds(const Condition& condition, const Context& context,
             std::span<const InFlightLoad> active, EndpointIndex e) const;

  std::vector<Condition> conditions_;
  std::optional<Column<InFlightLoad>> active_;
  bool fallback_;
};

}  // namespace pointsman
