#pragma once

#include <cstdint>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct ProbabilisticParams {
  std::int64_t queue_depth = 5;
  double kv_cache_util = 0.8;
  double power = 5.0;
  double k = 300.0;

  static constexpr auto fields() {
    using P = ProbabilisticParams;
    return std::tuple{
        field("queueDepthThreshold", &P::queue_depth, "Waiting requests of a full endpoint."),
        field("kvCacheUtilThreshold", &P::kv_cache_util,
              "Share of the KV cache in use of a full endpoint."),
        field("power", &P::power, "How suddenly shedding sets in."),
        field("k", &P::k, "How early: all are shed from a saturation of (1/k)^(1/power) on."),
    };
  }
  static Result<void> check(const ProbabilisticParams& params);
};

// Refuses sheddable requests with a probability that rises with the endpoints' saturation:
// min(saturation^power * k, 1) (spec/03 section 15.3).
class ProbabilisticAdmitter final : public Admitter {
 public:
  using Params = ProbabilisticParams;
  static constexpr std::string_view kType = "probabilistic-admitter";
  static constexpr std::string_view kHelp =
      "Refuses sheddable requests the more often, the fuller the endpoints are.";
  static constexpr std::string_view kParseError =
      "failed to parse parameters for 'probabilistic-admitter' plugin: ";

  ProbabilisticAdmitter(const Params& params, Setup& setup);
  Result<void> admit(const Context& context, std::span<const EndpointIndex> candidates,
                     Random random) const override;

  // The mean over the endpoints of the greater of queue and cache against its threshold; an
  // endpoint of which nothing is known counts as full. Public for tests, like the next.
  double saturation(const Context& context, std::span<const EndpointIndex> candidates) const;
  double probability(double saturation) const;

 private:
  Params params_;
};

}  // namespace pointsman
