#include "pointsman/plugins/producers/topology_extractor.h"

#include <algorithm>
#include <utility>

#include "pointsman/plugins/producers/prefix_hash.h"

namespace pointsman {
namespace {

// A label's value as a number; 0 when it is absent or empty.
std::uint64_t place(const Endpoint& endpoint, const std::string& label) {
  const std::string* const value = endpoint.label(label);
  return value == nullptr || value->empty() ? 0 : std::max<std::uint64_t>(xxh64(*value), 1);
}

}  // namespace

TopologyExtractor::TopologyExtractor(Params params, Setup& setup)
    : params_(std::move(params)),
      topology_(setup.writes<Topology>({"Topology", setup.name().name})) {}

Result<void> TopologyExtractor::produce(const Context& context,
                                        std::span<const EndpointIndex> /*candidates*/,
                                        Signals& signals) const {
  const auto places = places_.of(context.fleet, [this](const Endpoint& endpoint) {
    return Topology{.host = place(endpoint, params_.host),
                    .rack = place(endpoint, params_.rack),
                    .zone = place(endpoint, params_.zone),
                    .region = place(endpoint, params_.region)};
  });
  std::ranges::copy(places, signals.write(topology_).begin());
  return {};
}

}  // namespace pointsman
