#include "pointsman/model/fleet.h"

#include <algorithm>
#include <utility>

#include "pointsman/base/bug.h"

namespace pointsman {

const ModelTable::Model* ModelTable::find(std::string_view name) const {
  const auto at = std::ranges::lower_bound(models, name, {}, &Model::name);
  return at == models.end() || at->name != name ? nullptr : &*at;
}

Fleet::Fleet() : Fleet(std::make_shared<const std::vector<Endpoint>>()) {}

Fleet::Fleet(std::shared_ptr<const std::vector<Endpoint>> endpoints)
    : endpoints_(std::move(endpoints)), notes_(std::make_shared<EndpointNotes>()) {
  const std::size_t n = size();
  for (LoadColumn& column : loads_) {
    column.value.assign(n, kMissing);
    column.at.assign(n, {});
  }
  adapters_ = std::make_shared<const AdapterTable>(std::vector<Adapters>(n));
  adapters_at_.assign(n, {});
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
  adapters_ = std::make_shared<const AdapterTable>(adapters);
  adapters_at_.assign(at.begin(), at.end());
}

}  // namespace pointsman
