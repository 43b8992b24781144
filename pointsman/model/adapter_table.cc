#include "pointsman/model/adapter_table.h"

#include <algorithm>
#include <numeric>

namespace pointsman {

AdapterTable::AdapterTable(std::span<const Adapters> adapters) {
  for (const Adapters& a : adapters) {
    names_.insert(names_.end(), a.active.begin(), a.active.end());
    names_.insert(names_.end(), a.waiting.begin(), a.waiting.end());
  }
  std::ranges::sort(names_);
  const auto repeated = std::ranges::unique(names_);
  names_.erase(repeated.begin(), repeated.end());

  slots_.reserve(adapters.size());
  spare_.reserve(adapters.size());
  for (const Adapters& a : adapters) {
    slots_.push_back({.first = static_cast<std::uint32_t>(ids_.size()),
                      .active = static_cast<std::uint32_t>(a.active.size()),
                      .waiting = static_cast<std::uint32_t>(a.waiting.size()),
                      .room = a.room});
    spare_.push_back(static_cast<double>(a.room) -
                     static_cast<double>(a.active.size() + a.waiting.size()));
    for (const std::string& name : a.active) ids_.push_back(*find(name));
    for (const std::string& name : a.waiting) ids_.push_back(*find(name));
  }
  holders_ = by_adapter([this](EndpointIndex e) { return active(e); });
  waiters_ = by_adapter([this](EndpointIndex e) { return waiting(e); });
}

// Counts, then places: endpoints are met in ascending order, so every list is ascending.
template <typename List>
AdapterTable::ByAdapter AdapterTable::by_adapter(const List& list) const {
  ByAdapter made;
  made.first.assign(names_.size() + 1, 0);
  for (EndpointIndex e = 0; e < slots_.size(); ++e) {
    for (const std::uint32_t id : list(e)) ++made.first[id + 1];
  }
  std::partial_sum(made.first.begin(), made.first.end(), made.first.begin());
  made.endpoints.resize(made.first.back());
  std::vector<std::uint32_t> next = made.first;
  for (EndpointIndex e = 0; e < slots_.size(); ++e) {
    for (const std::uint32_t id : list(e)) made.endpoints[next[id]++] = e;
  }
  return made;
}

std::optional<std::uint32_t> AdapterTable::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(names_, name);
  if (found == names_.end() || *found != name) return std::nullopt;
  return static_cast<std::uint32_t>(found - names_.begin());
}

}  // namespace pointsman
