#include "pointsman/plugins/scorers/lora_affinity.h"

#include <cstddef>
#include <cstdint>
#include <limits>

namespace pointsman {
namespace {

// No fleet has so many adapters: an id that no endpoint holds.
constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();

bool holds(const std::uint32_t* ids, std::uint32_t count, std::uint32_t wanted) {
  for (std::uint32_t k = 0; k < count; ++k) {
    if (ids[k] == wanted) return true;
  }
  return false;
}

}  // namespace

LoraAffinityScorer::LoraAffinityScorer(Params /*params*/, Setup& setup) {
  setup.reads_load({"ActiveModels", "core-metrics-extractor"});
  setup.reads_load({"WaitingModels", "core-metrics-extractor"});
}

void LoraAffinityScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                               std::span<double> out) const {
  const std::uint32_t wanted =
      context.fleet.adapter(context.request.target_model).value_or(kNowhere);
  const AdapterSlots* const all = context.fleet.adapter_slots().data();
  const std::uint32_t* const ids = context.fleet.adapter_ids().data();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const AdapterSlots& slots = all[candidates[i]];
    if (slots.at < context.stale_before) continue;
    const std::uint32_t* const active = ids + slots.first;
    const double otherwise = slots.active + slots.waiting < slots.room ? 0.8 : 0.0;
    // Most servers have one or two adapters active: compared without a branch to mispredict.
    bool held = (slots.active > 0) & (active[0] == wanted);
    held |= (slots.active > 1) & (active[1] == wanted);
    if (slots.active > 2 && !held) held = holds(active + 2, slots.active - 2, wanted);
    out[i] = held ? 1.0 : otherwise;
    if (slots.waiting > 0 && out[i] == 0.0 && holds(active + slots.active, slots.waiting, wanted)) {
      out[i] = 0.6;
    }
  }
}

}  // namespace pointsman
