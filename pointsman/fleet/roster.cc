#include "pointsman/fleet/roster.h"

#include <unordered_map>
#include <utility>

namespace pointsman {
namespace {

bool same_place(const Endpoint& a, const Endpoint& b) {
  return a.host == b.host && a.port == b.port && a.tls == b.tls;
}

bool same_details(const Endpoint& a, const Endpoint& b) {
  return a.pod == b.pod && a.node_address == b.node_address && a.metrics_host == b.metrics_host &&
         a.labels == b.labels && a.rank == b.rank && a.address == b.address;
}

}  // namespace

Roster::Roster() : endpoints_(std::make_shared<const std::vector<Endpoint>>()) {}

Result<Roster::Change> Roster::update(std::vector<Endpoint> endpoints) {
  if (endpoints.size() > kMaxEndpoints) {
    return fail(Code::invalid_config, std::to_string(endpoints.size()) + " endpoints, more than " +
                                          std::to_string(kMaxEndpoints));
  }
  std::unordered_map<std::string_view, const Endpoint*> before;
  for (const Endpoint& e : *endpoints_) before.emplace(e.id, &e);

  Change change;
  for (Endpoint& e : endpoints) {
    const auto known = before.find(e.id);
    if (known == before.end() || !same_place(*known->second, e)) {
      e.key = take_key();
      change.joined.push_back(e.id);
      continue;
    }
    const Endpoint& old = *known->second;
    e.key = old.key;
    if (e.address.empty() && !old.address.empty()) {
      e.address = old.address;
      e.complete();
    }
    if (!same_details(old, e)) change.relabelled.push_back(e.id);
    before.erase(known);
  }
  for (const Endpoint& e : *endpoints_) {
    if (!before.contains(e.id)) continue;
    change.left.push_back(e.id);
    give_back(e.key);
  }
  endpoints_ = std::make_shared<const std::vector<Endpoint>>(std::move(endpoints));
  return change;
}

bool Roster::set_address(std::string_view host, const std::string& address) {
  std::vector<Endpoint> endpoints = *endpoints_;
  bool changed = false;
  for (Endpoint& e : endpoints) {
    if (e.host != host || e.address == address) continue;
    e.address = address;
    e.complete();
    changed = true;
  }
  if (changed) endpoints_ = std::make_shared<const std::vector<Endpoint>>(std::move(endpoints));
  return changed;
}

EndpointKey Roster::take_key() {
  if (free_.empty()) return EndpointKey{slots_++};
  const EndpointKey key = free_.front();
  free_.pop_front();
  return key;
}

void Roster::give_back(EndpointKey key) {
  constexpr std::uint32_t kGeneration = 1U << 16U;
  free_.push_back(EndpointKey{key.value + kGeneration});  // wraps after 65,536 uses of one slot
}

}  // namespace pointsman
