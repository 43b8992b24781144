#include "pointsman/plugins/scorers/multicluster.h"

#include "pointsman/plugins/scorers/least_first.h"

namespace pointsman {
namespace {

// Their producer is empty, so that the key ends with the slash.
constexpr std::string_view kQueue = "llm-d.ai/multicluster-queue-size/";
constexpr std::string_view kUsage = "llm-d.ai/multicluster-kv-cache-utilization/";

void require(std::string_view key, Setup& setup) {
  setup.reads_load({std::string(key.substr(0, key.size() - 1)), ""});
}

void read(std::string_view key, const Context& context, std::span<const EndpointIndex> candidates,
          std::span<float> out) {
  const LoadColumn* const column = context.fleet.attribute(key);
  if (column == nullptr) return;
  const LoadView values = context.view(*column);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(values[candidates[i]]);
}

}  // namespace

MulticlusterQueueScorer::MulticlusterQueueScorer(Params /*params*/, Setup& setup) {
  require(kQueue, setup);
}

void MulticlusterQueueScorer::score(const Context& context,
                                    std::span<const EndpointIndex> candidates,
                                    std::span<double> out) const {
  const LoadColumn* const column = context.fleet.attribute(kQueue);
  if (column != nullptr) score_least_first(context.view(*column), candidates, out);
}

void MulticlusterQueueScorer::readings(const Context& context,
                                       std::span<const EndpointIndex> candidates,
                                       std::span<float> out) const {
  read(kQueue, context, candidates, out);
}

MulticlusterKvCacheScorer::MulticlusterKvCacheScorer(Params /*params*/, Setup& setup) {
  require(kUsage, setup);
}

void MulticlusterKvCacheScorer::score(const Context& context,
                                      std::span<const EndpointIndex> candidates,
                                      std::span<double> out) const {
  const LoadColumn* const column = context.fleet.attribute(kUsage);
  if (column != nullptr) score_what_is_left(context.view(*column), candidates, out);
}

void MulticlusterKvCacheScorer::readings(const Context& context,
                                         std::span<const EndpointIndex> candidates,
                                         std::span<float> out) const {
  read(kUsage, context, candidates, out);
}

}  // namespace pointsman
