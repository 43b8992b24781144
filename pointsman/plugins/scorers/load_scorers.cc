#include "pointsman/plugins/scorers/load_scorers.h"

#include <cstddef>

#include "pointsman/base/extremes.h"
#include "pointsman/base/wide.h"

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
  const EndpointIndex* const endpoint = candidates.data();
  double* const score = out.data();
  const std::size_t n = out.size();
  wide([=]() __attribute__((always_inline)) {
    for (std::size_t i = 0; i < n; ++i) score[i] = loads[endpoint[i]];

    const auto [least, most] = extremes(score, n);
    const double range = most - least;
    if (range > 0.0) {
      for (std::size_t k = 0; k < n; ++k) score[k] = (most - score[k]) / range;
    } else {  // all that are known are equal
      for (std::size_t k = 0; k < n; ++k) score[k] = score[k] == score[k] ? 1.0 : kMissing;
    }
  });
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
  const EndpointIndex* const endpoint = candidates.data();
  double* const score = out.data();
  const std::size_t n = out.size();
  wide([=]() __attribute__((always_inline)) {
    for (std::size_t i = 0; i < n; ++i) score[i] = 1.0 - usage[endpoint[i]];
  });
}

}  // namespace pointsman
