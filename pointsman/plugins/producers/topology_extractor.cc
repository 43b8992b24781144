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

std::shared_ptr<const TopologyExtractor::Places> TopologyExtractor::places(
    const std::shared_ptr<const Endpoints>& endpoints) const {
  {
    const std::lock_guard lock(mutex_);
    if (newest_ != nullptr && newest_->of == endpoints) return newest_;
  }
  auto fresh = std::make_shared<Places>();
  fresh->of = endpoints;
  for (const Endpoint& e : *endpoints) {
    fresh->all.push_back({.host = place(e, params_.host),
                          .rack = place(e, params_.rack),
                          .zone = place(e, params_.zone),
                          .region = place(e, params_.region)});
  }
  const std::lock_guard lock(mutex_);
  newest_ = fresh;
  return fresh;
}

Result<void> TopologyExtractor::produce(const Context& context,
                                        std::span<const EndpointIndex> /*candidates*/,
                                        Signals& signals) const {
  std::ranges::copy(places(context.fleet.identities())->all, signals.write(topology_).begin());
  return {};
}

}  // namespace pointsman
