#pragma once

#include <span>
#include <string>
#include <string_view>

#include "pointsman/model/per_endpoint.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

struct TopologyExtractorParams {
  std::string host = "kubernetes.io/hostname";
  std::string rack = "topology.kubernetes.io/rack";
  std::string zone = "topology.kubernetes.io/zone";
  std::string region = "topology.kubernetes.io/region";

  static constexpr auto fields() {
    using P = TopologyExtractorParams;
    return std::tuple{
        field("hostname", &P::host, "The label that names an endpoint's host."),
        field("rack", &P::rack, "The label that names its rack."),
        field("zone", &P::zone, "The label that names its zone."),
        field("region", &P::region, "The label that names its region."),
    };
  }
};

// Tells where endpoints stand, by their labels.
class TopologyExtractor final : public Producer {
 public:
  using Params = TopologyExtractorParams;
  static constexpr std::string_view kType = "topology-extractor";
  static constexpr std::string_view kHelp = "Tells where endpoints stand, by their labels.";

  TopologyExtractor(Params params, Setup& setup);
  Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals) const override;

 private:
  Params params_;
  Column<Topology> topology_;
  PerEndpoint<Topology> places_;
};

}  // namespace pointsman
