#pragma once

#include <chrono>
#include <span>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct UtilizationDetectorParams {
  int queue_depth = 5;
  double kv_cache = 0.8;
  std::chrono::nanoseconds staleness = std::chrono::milliseconds(200);
  double headroom = 0.0;

  static constexpr auto fields() {
    using P = UtilizationDetectorParams;
    return std::tuple{
        field("queueDepthThreshold", &P::queue_depth,
              "Waiting requests at which a server is full."),
        field("kvCacheUtilThreshold", &P::kv_cache,
              "Cache usage at which a server is full, 0 to 1."),
        field("metricsStalenessThreshold", &P::staleness,
              "Age from which a server's signals count for nothing and the server as full."),
        field("headroom", &P::headroom,
              "How far above the thresholds the filter lets pass, 0.2 = 20 %."),
    };
  }
  static Result<void> check(const UtilizationDetectorParams& params);
};

// How full the pool is: the mean over its endpoints of max(waiting / threshold, usage / threshold),
// 1 for an endpoint whose signals are missing or older than the staleness threshold. As a filter it
// keeps endpoints below both thresholds, and all of them when none is.
class UtilizationDetector final : public SaturationDetector, public Filter {
 public:
  using Params = UtilizationDetectorParams;
  static constexpr std::string_view kType = "utilization-detector";
  static constexpr std::string_view kHelp =
      "Judges saturation from queue depth and KV cache usage.";

  UtilizationDetector(Params params, Setup& setup);
  double saturation(const Fleet& fleet, std::span<const EndpointIndex> endpoints,
                    Clock::time_point now) const override;
  void filter(const Context& context, Candidates& candidates) const override;

 private:
  bool fresh(const Fleet& fleet, EndpointIndex e, Clock::time_point now) const;

  double queue_depth_;
  double kv_cache_;
  std::chrono::nanoseconds staleness_;
  double headroom_;
};

}  // namespace pointsman
