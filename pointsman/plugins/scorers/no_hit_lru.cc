#include "pointsman/plugins/scorers/no_hit_lru.h"

#include <algorithm>
#include <vector>

namespace pointsman {
namespace {

constexpr int kDefaultSize = 1024;
constexpr double kWarm = 0.5;
constexpr std::string_view kPrefillProfile = "prefill";

}  // namespace

NoHitLruScorer::NoHitLruScorer(const Params& params, Setup& setup)
    : match_(setup.reads<PrefixMatch>(
          DataKey{"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"}.from(
              params.producer))),
      use_(setup.writes<Use>({"NoHitLruOrder", setup.name().name})),
      uses_(static_cast<std::size_t>(params.lru_size > 0 ? params.lru_size : kDefaultSize)) {}

Result<void> NoHitLruScorer::produce(const Context& context,
                                     std::span<const EndpointIndex> candidates,
                                     Signals& signals) const {
  const auto column = signals.write(use_);
  const std::lock_guard lock(mutex_);
  for (const EndpointIndex e : candidates) {
    if (const auto* const last = uses_.find({context.fleet[e].key.value})) column[e] = {*last};
  }
  return {};
}

bool NoHitLruScorer::cold(const Context& context, std::span<const EndpointIndex> candidates) const {
  const auto matches = context.signals.read(match_);
  return matches.empty() ||
         std::ranges::none_of(candidates, [&](EndpointIndex e) { return matches[e].match > 0; });
}

void NoHitLruScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                           std::span<double> out) const {
  const auto uses = context.signals.read(use_);
  if (uses.empty()) return;
  if (!cold(context, candidates)) {
    std::ranges::fill(out, kWarm);
    return;
  }
  // Candidates in the order of use, those never used in the order they are given.
  struct Used {
    std::uint64_t last;
    std::uint32_t at;
  };
  const auto order = context.signals.arena().array<Used>(candidates.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = {uses[candidates[i]].last, i};
  std::ranges::sort(order, [](const Used& a, const Used& b) {
    return a.last != b.last ? a.last < b.last : a.at < b.at;
  });
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    out[order[rank].at] =
        order.size() == 1 ? 1.0
                          : 1.0 - static_cast<double>(rank) / static_cast<double>(order.size() - 1);
  }
}

// A use is where the primary profile, or the one named prefill, sent a prompt that was cold for it.
Result<void> NoHitLruScorer::dispatched(const Context& context, const Decision& decision,
                                        Effects& /*effects*/) {
  if (decision.primary < 0) return {};
  const auto used = [&](const ProfileRun& run) {
    const auto picks = decision.picks_of(run);
    if (picks.empty() || !cold(context, decision.candidates_of(run))) return;
    const std::lock_guard lock(mutex_);
    uses_.touch({context.fleet[picks.front()].key.value}) = ++clock_;
  };
  const auto primary = static_cast<std::size_t>(decision.primary);
  used(decision.runs[primary]);
  for (std::size_t i = 0; i < decision.runs.size(); ++i) {
    const ProfileRun& run = decision.runs[i];
    if (i != primary && decision.plan->profiles[run.profile].name == kPrefillProfile) used(run);
  }
  return {};
}

Result<std::string> NoHitLruScorer::dump(const Fleet& fleet) const {
  std::vector<std::string> ids;
  const std::lock_guard lock(mutex_);
  uses_.for_each([&](const LruKey& key, std::uint64_t /*last*/) {
    const auto known = fleet.find(EndpointKey{static_cast<std::uint32_t>(key.low)});
    if (known) ids.push_back(fleet[*known].id);
  });
  return endpoints_state(ids, uses_.size());
}

}  // namespace pointsman
