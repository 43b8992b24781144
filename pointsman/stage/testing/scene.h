#pragma once

#include <initializer_list>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "pointsman/stage/context.h"
#include "pointsman/stage/filter.h"
#include "pointsman/stage/scorer.h"
#include "pointsman/stage/setup.h"

namespace pointsman::testing {

// What a test says of one endpoint; NaN is "never read".
struct Server {
  std::string name;
  double waiting = kMissing;
  double running = kMissing;
  double kv_usage = kMissing;
  Adapters adapters;
  std::vector<std::pair<std::string, std::string>> labels;
  std::string ns;
};

inline Fleet fleet_of(const std::vector<Server>& servers,
                      Clock::time_point at = Clock::time_point(std::chrono::hours(1))) {
  std::vector<Endpoint> endpoints;
  for (const Server& server : servers) {
    const auto number = static_cast<std::uint32_t>(endpoints.size());
    Endpoint e{.ns = server.ns,
               .name = server.name,
               .address = "10.0.0." + std::to_string(number % 250 + 1),
               .port = 8000,
               .labels = server.labels,
               .key = {number}};
    e.complete();
    endpoints.push_back(std::move(e));
  }
  Fleet fleet(std::make_shared<const std::vector<Endpoint>>(std::move(endpoints)));
  std::vector<Adapters> adapters;
  for (EndpointIndex e = 0; e < servers.size(); ++e) {
    fleet.set(e, Load::waiting, servers[e].waiting, at);
    fleet.set(e, Load::running, servers[e].running, at);
    fleet.set(e, Load::kv_usage, servers[e].kv_usage, at);
    fleet.set_read_at(e, at);
    adapters.push_back(servers[e].adapters);
  }
  fleet.set_adapters(adapters, std::vector<Clock::time_point>(servers.size(), at));
  return fleet;
}

// A request before a fleet, for tests of one plugin.
struct Scene {
  Request request;
  Fleet fleet;
  SignalTable table;
  Arena arena;
  Signals signals;
  Trace trace;
  Clock::time_point now = Clock::time_point(std::chrono::hours(1));

  explicit Scene(const std::vector<Server>& servers) : fleet(fleet_of(servers)) {}

  // Sizes the signals after all plugins have been set up.
  void begin() {
    arena.reset();
    signals.reset(arena, table.size(), fleet.size());
  }
  Context context() { return {request, fleet, signals, trace, now}; }
  std::vector<EndpointIndex> all() const {
    std::vector<EndpointIndex> indices(fleet.size());
    std::iota(indices.begin(), indices.end(), 0U);
    return indices;
  }
  std::vector<std::string> names(std::span<const EndpointIndex> indices) const {
    std::vector<std::string> out;
    for (const EndpointIndex e : indices) out.push_back(fleet[e].name);
    return out;
  }
};

// Builds a plugin outside of any configuration.
template <typename P>
std::shared_ptr<P> make(const typename P::Params& params, SignalTable& table) {
  Setup setup({std::string(P::kType), std::string(P::kType)}, {}, table);
  return std::make_shared<P>(params, setup);
}

// The scores of all endpoints.
inline std::vector<double> scores(const Scorer& scorer, Scene& scene) {
  const auto all = scene.all();
  std::vector<double> out(all.size(), kMissing);
  scorer.score(scene.context(), all, out);
  return out;
}

// The names of the endpoints a filter keeps.
inline std::vector<std::string> kept(const Filter& filter, Scene& scene) {
  auto all = scene.all();
  std::vector<Drop> drops;
  Candidates candidates(all, drops);
  filter.filter(scene.context(), candidates);
  return scene.names(candidates.list());
}

}  // namespace pointsman::testing
