#pragma once

#include <span>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct LoadAwareParams {
  int threshold = 128;

  static constexpr auto fields() {
    return std::tuple{field("threshold", &LoadAwareParams::threshold,
                            "Waiting requests at which the score is 0; below 1: 128.")};
  }
};

// Prefers short queues by an absolute measure: 0.5 for an empty one, falling to 0 at the threshold.
// An endpoint whose queue is not known gets no score.
class LoadAwareScorer final : public Scorer {
 public:
  using Params = LoadAwareParams;
  static constexpr std::string_view kType = "load-aware-scorer";
  static constexpr std::string_view kHelp =
      "Prefers endpoints with few waiting requests, measured against a threshold.";

  LoadAwareScorer(Params params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  Reading reading() const override { return {Reading::From::load, Load::waiting}; }

 private:
  double threshold_;
};

}  // namespace pointsman
