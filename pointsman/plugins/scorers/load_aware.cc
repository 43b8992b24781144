#include "pointsman/plugins/scorers/load_aware.h"

namespace pointsman {
namespace {

constexpr int kDefaultThreshold = 128;

}  // namespace

LoadAwareScorer::LoadAwareScorer(Params params, Setup& /*setup*/)
    : threshold_(params.threshold > 0 ? params.threshold : kDefaultThreshold) {}

void LoadAwareScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                            std::span<double> out) const {
  const LoadView waiting = context.load(Load::waiting);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double queue = waiting[candidates[i]];
    // A comparison with NaN is false, and NaN stays.
    out[i] = 0.5 * (1.0 - (queue > threshold_ ? threshold_ : queue) / threshold_);
  }
}

}  // namespace pointsman
