#include "pointsman/plugins/scorers/lora_affinity.h"

#include <algorithm>
#include <cstddef>

#include "pointsman/base/wide.h"

namespace pointsman {
namespace {

constexpr double kHeld = 1.0;
constexpr double kRoom = 0.8;
constexpr double kAwaited = 0.6;

// The score of those that neither hold nor await the adapter.
void score_by_room(const Context& context, std::span<const EndpointIndex> candidates,
                   std::span<double> out) {
  const double* const spare = context.fleet.adapters().spare().data();
  const Clock::time_point* const at = context.fleet.adapters_at().data();
  const Clock::time_point stale_before = context.stale_before;
  const EndpointIndex* const endpoint = candidates.data();
  double* const score = out.data();
  const std::size_t n = out.size();
  wide([=]() __attribute__((always_inline)) {
    for (std::size_t i = 0; i < n; ++i) {
      const EndpointIndex e = endpoint[i];
      const double fresh = spare[e] > 0.0 ? kRoom : 0.0;
      score[i] = at[e] < stale_before ? kMissing : fresh;
    }
  });
}

// Calls visit(position) for each candidate that is among `some`. REQUIRES: both ascend.
template <typename Visit>
void visit_common(std::span<const EndpointIndex> candidates, std::span<const EndpointIndex> some,
                  std::size_t fleet_size, const Visit& visit) {
  if (candidates.size() == fleet_size) {  // all: the endpoint is the position
    for (const EndpointIndex e : some) visit(e);
    return;
  }
  auto next = std::ranges::lower_bound(some, candidates.front());
  for (std::size_t i = 0; i < candidates.size() && next != some.end(); ++i) {
    while (next != some.end() && *next < candidates[i]) ++next;
    if (next != some.end() && *next == candidates[i]) visit(i);
  }
}

}  // namespace

LoraAffinityScorer::LoraAffinityScorer(Params /*params*/, Setup& setup) {
  setup.reads_load({"ActiveModels", "core-metrics-extractor"});
  setup.reads_load({"WaitingModels", "core-metrics-extractor"});
}

void LoraAffinityScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                               std::span<double> out) const {
  if (candidates.empty()) return;
  score_by_room(context, candidates, out);
  const AdapterTable& adapters = context.fleet.adapters();
  const auto wanted = adapters.find(context.request.target_model);
  if (!wanted) return;
  const auto at_least = [&](std::span<const EndpointIndex> some, double score) {
    visit_common(candidates, some, context.fleet.size(),
                 [&](std::size_t i) { out[i] = out[i] < score ? score : out[i]; });
  };
  at_least(adapters.waiters(*wanted), kAwaited);
  at_least(adapters.holders(*wanted), kHeld);
}

}  // namespace pointsman
