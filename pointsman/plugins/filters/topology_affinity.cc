#include "pointsman/plugins/filters/topology_affinity.h"

#include <algorithm>

namespace pointsman {
namespace {

Column<Topology> declare(Setup& setup, const std::string& producer) {
  return setup.reads_if_there<Topology>(DataKey{"Topology", "topology-extractor"}.from(producer));
}

bool placed(const Topology& t) {
  return (t.host | t.rack | t.zone | t.region) != 0;
}

// The peer's place, or nullptr.
const Topology* peer_place(const Context& context, std::span<const Topology> places) {
  if (context.peer >= places.size()) return nullptr;
  const Topology& place = places[context.peer];
  return placed(place) ? &place : nullptr;
}

}  // namespace

Nearness nearness(const Topology& a, const Topology& b) {
  const auto same = [](std::uint64_t x, std::uint64_t y) { return x != 0 && x == y; };
  if (same(a.host, b.host)) return Nearness::host;
  if (same(a.rack, b.rack)) return Nearness::rack;
  if (same(a.zone, b.zone)) return Nearness::zone;
  if (same(a.region, b.region)) return Nearness::region;
  return Nearness::none;
}

Result<void> TopologyFilterParams::check(const TopologyFilterParams& params) {
  if (std::ranges::find(kLevels, params.min_affinity) != kLevels.end()) return {};
  return fail(Code::invalid_config, "invalid topology level \"" + params.min_affinity +
                                        "\", must be one of host, rack, zone, region");
}

TopologyAffinityFilter::TopologyAffinityFilter(const Params& params, Setup& setup)
    : farthest_(static_cast<Nearness>(std::ranges::find(Params::kLevels, params.min_affinity) -
                                      Params::kLevels.begin())),
      topology_(declare(setup, params.producer)) {}

void TopologyAffinityFilter::filter(const Context& context, Candidates& candidates) const {
  const auto places = context.signals.read(topology_);
  const Topology* const peer = peer_place(context, places);
  if (peer == nullptr) return;
  candidates.keep_if_any(DropReason::topology, [&](EndpointIndex e) {
    return placed(places[e]) && nearness(*peer, places[e]) <= farthest_;
  });
}

TopologyAffinityScorer::TopologyAffinityScorer(const Params& params, Setup& setup)
    : topology_(declare(setup, params.producer)) {}

void TopologyAffinityScorer::score(const Context& context,
                                   std::span<const EndpointIndex> candidates,
                                   std::span<double> out) const {
  static constexpr std::array<double, 5> kScores{1.0, 0.2, 0.05, 0.02, 0.0};
  const auto places = context.signals.read(topology_);
  const Topology* const peer = peer_place(context, places);
  if (peer == nullptr) return;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const Topology& place = places[candidates[i]];
    if (placed(place)) out[i] = kScores.at(static_cast<std::size_t>(nearness(*peer, place)));
  }
}

}  // namespace pointsman
