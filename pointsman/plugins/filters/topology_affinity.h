#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

// How near two endpoints are: the smallest thing they share.
enum class Nearness : std::uint8_t { host, rack, zone, region, none };

// The first of host, rack, zone and region that both have and that is the same.
Nearness nearness(const Topology& a, const Topology& b);

struct TopologyFilterParams {
  static constexpr auto kLevels =
      std::to_array<std::string_view>({"host", "rack", "zone", "region"});

  std::string min_affinity = "host";
  std::string producer;

  static constexpr auto fields() {
    using P = TopologyFilterParams;
    return std::tuple{
        field("minAffinity", &P::min_affinity,
              "What endpoint and peer must share at least: host, rack, zone or region."),
        field("topologyProducerName", &P::producer,
              "Which extractor's topology is read; empty: topology-extractor."),
    };
  }
  static Result<void> check(const TopologyFilterParams& params);
};

// Keeps the endpoints near the one that serves another stage of the request. All stay when there is
// no such endpoint, when nothing is known of its place, or when nobody is near.
class TopologyAffinityFilter final : public Filter {
 public:
  using Params = TopologyFilterParams;
  static constexpr std::string_view kType = "topology-affinity-filter";
  static constexpr std::string_view kHelp =
      "Keeps endpoints near the one that serves another stage of the request.";

  TopologyAffinityFilter(const Params& params, Setup& setup);
  void filter(const Context& context, Candidates& candidates) const override;

 private:
  Nearness farthest_;
  Column<Topology> topology_;
};

struct TopologyScorerParams {
  std::string producer;

  static constexpr auto fields() {
    return std::tuple{field("topologyProducerName", &TopologyScorerParams::producer,
                            "Which extractor's topology is read; empty: topology-extractor.")};
  }
};

// Prefers endpoints near the one that serves another stage: 1 on its host, 0.2 in its rack, 0.05 in
// its zone, 0.02 in its region, else 0. No score without such an endpoint.
class TopologyAffinityScorer final : public Scorer {
 public:
  using Params = TopologyScorerParams;
  static constexpr std::string_view kType = "topology-affinity-scorer";
  static constexpr std::string_view kHelp =
      "Prefers endpoints near the one that serves another stage of the request.";

  TopologyAffinityScorer(const Params& params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;

 private:
  Column<Topology> topology_;
};

}  // namespace pointsman
