#include "pointsman/plugins/scorers/load_scorers.h"

#include "pointsman/plugins/scorers/least_first.h"

namespace pointsman {
namespace {

constexpr std::string_view kExtractor = "core-metrics-extractor";

DataKey core_metric(std::string_view type) {
  return {std::string(type), std::string(kExtractor)};
}

}  // namespace

QueueScorer::QueueScorer(Params /*params*/, Setup& setup) {
  setup.reads_load(core_metric("WaitingQueueSize"));
}

void QueueScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                        std::span<double> out) const {
  score_least_first(context.load(Load::waiting), candidates, out);
}

RunningRequestsScorer::RunningRequestsScorer(Params /*params*/, Setup& setup) {
  setup.reads_load(core_metric("RunningRequestsSize"));
}

void RunningRequestsScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                                  std::span<double> out) const {
  score_least_first(context.load(Load::running), candidates, out);
}

KvCacheUtilizationScorer::KvCacheUtilizationScorer(Params /*params*/, Setup& setup) {
  setup.reads_load(core_metric("KVCacheUsagePercent"));
}

void KvCacheUtilizationScorer::score(const Context& context,
                                     std::span<const EndpointIndex> candidates,
                                     std::span<double> out) const {
  score_what_is_left(context.load(Load::kv_usage), candidates, out);
}

}  // namespace pointsman
