#pragma once

#include <span>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

// Prefers servers that have the request's adapter: 1 when it is loaded; else 0.8 when there is
// room to load it; else 0.6 when it waits to be loaded; else 0.
class LoraAffinityScorer final : public Scorer {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "lora-affinity-scorer";
  static constexpr std::string_view kHelp =
      "Prefers endpoints that have the requested LoRA adapter, or room for it.";

  LoraAffinityScorer(Params params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  Reading reading() const override { return {.from = Reading::From::adapters}; }
};

}  // namespace pointsman
