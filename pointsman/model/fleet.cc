#include "pointsman/model/fleet.h"

#include <algorithm>
#include <utility>

#include "pointsman/base/bug.h"

namespace pointsman {
namespace {

constexpr std::size_t kSpareIds = 2;  // see adapter_ids()

}  // namespace

Fleet::Fleet() : Fleet(std::make_shared<const std::vector<Endpoint>>()) {}

Fleet::Fleet(std::shared_ptr<const std::vector<Endpoint>> endpoints)
    : endpoints_(std::move(endpoints)) {
  const std::size_t n = size();
  for (LoadColumn& column : loads_) {
    column.value.assign(n, kMissing);
    column.at.assign(n, {});
  }
  adapters_.assign(n, {});
  adapter_ids_.assign(kSpareIds, 0);
  read_at_.assign(n, {});
  ready_.assign(n, 1);
  for (EndpointIndex e = 0; e < n; ++e) {
    const std::size_t slot = (*endpoints_)[e].key.slot();
    if (slot >= by_slot_.size()) by_slot_.resize(slot + 1, static_cast<EndpointIndex>(n));
    if (by_slot_[slot] != n) bug("two endpoints share one slot");
    by_slot_[slot] = e;
  }
}

void Fleet::set(EndpointIndex e, Load load, double value, Clock::time_point at) {
  LoadColumn& column = loads_[static_cast<std::size_t>(load)];
  column.value[e] = value;
  column.at[e] = at;
}

const LoadColumn* Fleet::attribute(std::string_view key) const {
  const auto found = std::ranges::find(attributes_, key, &Attribute::key);
  return found == attributes_.end() ? nullptr : &found->column;
}

void Fleet::set_attribute(EndpointIndex e, std::string_view key, double value,
                          Clock::time_point at) {
  auto found = std::ranges::find(attributes_, key, &Attribute::key);
  if (found == attributes_.end()) {
    attributes_.push_back({std::string(key), {}});
    found = attributes_.end() - 1;
    found->column.value.assign(size(), kMissing);
    found->column.at.assign(size(), {});
  }
  found->column.value[e] = value;
  found->column.at[e] = at;
}

void Fleet::set_adapters(std::span<const Adapters> adapters,
                         std::span<const Clock::time_point> at) {
  if (adapters.size() != size() || at.size() != size()) bug("one adapter entry per endpoint");
  adapter_names_.clear();
  for (const Adapters& a : adapters) {
    adapter_names_.insert(adapter_names_.end(), a.active.begin(), a.active.end());
    adapter_names_.insert(adapter_names_.end(), a.waiting.begin(), a.waiting.end());
  }
  std::ranges::sort(adapter_names_);
  const auto repeated = std::ranges::unique(adapter_names_);
  adapter_names_.erase(repeated.begin(), repeated.end());

  adapter_ids_.clear();
  for (EndpointIndex e = 0; e < size(); ++e) {
    const Adapters& a = adapters[e];
    adapters_[e] = {.at = at[e],
                    .first = static_cast<std::uint32_t>(adapter_ids_.size()),
                    .active = static_cast<std::uint32_t>(a.active.size()),
                    .waiting = static_cast<std::uint32_t>(a.waiting.size()),
                    .room = a.room};
    for (const std::string& name : a.active) adapter_ids_.push_back(*adapter(name));
    for (const std::string& name : a.waiting) adapter_ids_.push_back(*adapter(name));
  }
  adapter_ids_.insert(adapter_ids_.end(), kSpareIds, 0);
}

std::optional<std::uint32_t> Fleet::adapter(std::string_view name) const {
  const auto found = std::ranges::lower_bound(adapter_names_, name);
  if (found == adapter_names_.end() || *found != name) return std::nullopt;
  return static_cast<std::uint32_t>(found - adapter_names_.begin());
}

}  // namespace pointsman
