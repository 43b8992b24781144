#include "pointsman/plugins/scorers/load_scorers.h"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace pointsman {
namespace {

constexpr std::string_view kExtractor = "core-metrics-extractor";

DataKey core_metric(std::string_view type) {
  return {std::string(type), std::string(kExtractor)};
}

// Min-max over those that have the load: the least scores 1, the greatest 0.
void score_by_least(Load load, const Context& context, std::span<const EndpointIndex> candidates,
                    std::span<double> out) {
  const LoadView loads = context.load(load);
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double value = loads[candidates[i]];
    out[i] = value;
    if (value < least) least = value;  // both are false for NaN
    if (value > most) most = value;
  }
  const double range = most - least;
  for (double& value : out) {
    if (range > 0.0) {
      value = (most - value) / range;
    } else if (value == value) {  // not NaN: all that are known are equal
      value = 1.0;
    }
  }
}

}  // namespace

QueueScorer::QueueScorer(Params /*params*/, Setup& setup) {
  setup.reads_load(core_metric("WaitingQueueSize"));
}

void QueueScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                        std::span<double> out) const {
  score_by_least(Load::waiting, context, candidates, out);
}

RunningRequestsScorer::RunningRequestsScorer(Params /*params*/, Setup& setup) {
  setup.reads_load(core_metric("RunningRequestsSize"));
}

void RunningRequestsScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                                  std::span<double> out) const {
  score_by_least(Load::running, context, candidates, out);
}

KvCacheUtilizationScorer::KvCacheUtilizationScorer(Params /*params*/, Setup& setup) {
  setup.reads_load(core_metric("KVCacheUsagePercent"));
}

void KvCacheUtilizationScorer::score(const Context& context,
                                     std::span<const EndpointIndex> candidates,
                                     std::span<double> out) const {
  const LoadView usage = context.load(Load::kv_usage);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = 1.0 - usage[candidates[i]];
}

}  // namespace pointsman
