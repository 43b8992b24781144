#pragma once

#include <span>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

// The scorers that read one scraped load. An endpoint whose load is missing or stale gets no score:
// it stays eligible and is never preferred (the reference takes it for perfectly idle).

// Prefers short queues: (max - waiting) / (max - min) over the candidates, 1 when all are equal.
class QueueScorer final : public Scorer {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "queue-scorer";
  static constexpr std::string_view kHelp = "Prefers endpoints with few waiting requests.";

  QueueScorer(Params params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  Reading reading() const override { return {Reading::From::load, Load::waiting}; }
};

// Prefers servers that compute few requests: as QueueScorer, over the running ones.
class RunningRequestsScorer final : public Scorer {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "running-requests-size-scorer";
  static constexpr std::string_view kHelp = "Prefers endpoints with few running requests.";

  RunningRequestsScorer(Params params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  Reading reading() const override { return {Reading::From::load, Load::running}; }
};

// Prefers free KV cache: 1 - usage. The engine clamps what leaves [0, 1].
class KvCacheUtilizationScorer final : public Scorer {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "kv-cache-utilization-scorer";
  static constexpr std::string_view kHelp = "Prefers endpoints whose KV cache is little used.";

  KvCacheUtilizationScorer(Params params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  Reading reading() const override { return {Reading::From::load, Load::kv_usage}; }
};

}  // namespace pointsman
