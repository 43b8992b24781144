#pragma once

#include <span>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

// The scorers of a hub whose endpoints are whole clusters. They read what a cluster tells of its
// pool; one that does not tell gets no score.

// Prefers clusters with short queues, scaled between the candidates.
class MulticlusterQueueScorer final : public Scorer {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "multicluster-queue-scorer";
  static constexpr std::string_view kHelp = "Prefers clusters with few waiting requests.";

  MulticlusterQueueScorer(Params params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  Reading reading() const override { return {.from = Reading::From::signal}; }
  std::string_view unit() const override { return "mean waiting requests"; }
  void readings(const Context& context, std::span<const EndpointIndex> candidates,
                std::span<float> out) const override;
};

// Prefers clusters whose KV caches are little used: 1 - usage.
class MulticlusterKvCacheScorer final : public Scorer {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "multicluster-kv-cache-utilization-scorer";
  static constexpr std::string_view kHelp = "Prefers clusters whose KV caches are little used.";

  MulticlusterKvCacheScorer(Params params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  Reading reading() const override { return {.from = Reading::From::signal}; }
  std::string_view unit() const override { return "mean KV cache usage"; }
  void readings(const Context& context, std::span<const EndpointIndex> candidates,
                std::span<float> out) const override;
};

}  // namespace pointsman
