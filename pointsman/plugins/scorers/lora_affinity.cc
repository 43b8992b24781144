#include "pointsman/plugins/scorers/lora_affinity.h"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace pointsman {
namespace {

bool holds(std::span<const std::uint32_t> ids, std::optional<std::uint32_t> id) {
  return id.has_value() && std::ranges::find(ids, *id) != ids.end();
}

}  // namespace

LoraAffinityScorer::LoraAffinityScorer(Params /*params*/, Setup& setup) {
  setup.reads_load({"ActiveModels", "core-metrics-extractor"});
  setup.reads_load({"WaitingModels", "core-metrics-extractor"});
}

void LoraAffinityScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                               std::span<double> out) const {
  const Fleet& fleet = context.fleet;
  const auto wanted = fleet.adapter(context.request.target_model);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const EndpointIndex e = candidates[i];
    if (fleet.adapters_at(e) < context.stale_before) continue;
    const auto active = fleet.active(e);
    const auto waiting = fleet.waiting(e);
    if (holds(active, wanted)) {
      out[i] = 1.0;
    } else if (active.size() + waiting.size() < fleet.adapter_room(e)) {
      out[i] = 0.8;
    } else {
      out[i] = holds(waiting, wanted) ? 0.6 : 0.0;
    }
  }
}

}  // namespace pointsman
