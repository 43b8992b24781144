#include "pointsman/fleet/fleet_board.h"

#include <cmath>
#include <cstddef>
#include <utility>

namespace pointsman {
namespace {

void copy_values(const Fleet& from, EndpointIndex f, Fleet& to, EndpointIndex t) {
  for (std::size_t i = 0; i < kLoads; ++i) {
    const Load load = static_cast<Load>(i);
    to.set(t, load, from.load(load).value[f], from.load(load).at[f]);
  }
  for (const Fleet::Attribute& a : from.attributes()) {
    to.set_attribute(t, a.key, a.column.value[f], a.column.at[f]);
  }
  to.set_read_at(t, from.read_at(f));
}

}  // namespace

FleetBoard::FleetBoard() : published_(std::make_shared<Published<Fleet>>(Fleet())) {}

void FleetBoard::set_endpoints(std::shared_ptr<const std::vector<Endpoint>> endpoints) {
  Fleet next(std::move(endpoints));
  std::vector<Adapters> adapters(next.size());
  std::vector<Clock::time_point> adapters_at(next.size());
  for (EndpointIndex e = 0; e < next.size(); ++e) {
    next.set_ready(e, !next[e].address.empty());
    const auto old = fleet_.find(next[e].key);
    if (!old) continue;
    copy_values(fleet_, *old, next, e);
    adapters[e] = std::move(adapters_[*old]);
    adapters_at[e] = fleet_.adapters_at()[*old];
  }
  next.set_adapters(adapters, adapters_at);
  fleet_ = std::move(next);
  adapters_ = std::move(adapters);
  adapters_changed_ = false;
  changed_ = true;
}

void FleetBoard::apply(EndpointKey endpoint, Clock::time_point at, const PageReading& reading,
                       const Adapters& adapters) {
  const auto e = fleet_.find(endpoint);
  if (!e) return;
  bool told = false;
  for (std::size_t i = 0; i < kLoads; ++i) {
    if (std::isnan(reading.loads[i])) continue;
    fleet_.set(*e, static_cast<Load>(i), reading.loads[i], at);
    told = true;
  }
  for (const PageReading::Attribute& a : reading.attributes) {
    if (std::isnan(a.value)) continue;
    fleet_.set_attribute(*e, a.key, a.value, at);
    told = true;
  }
  if (reading.adapters != PageReading::Adapters::not_told) {
    told = true;
    fleet_.set_adapters_at(*e, at);
  }
  if (reading.adapters == PageReading::Adapters::changed) {
    adapters_[*e] = adapters;
    adapters_changed_ = true;
  }
  if (!told) return;
  fleet_.set_read_at(*e, at);
  changed_ = true;
}

void FleetBoard::set_models(std::shared_ptr<const ModelTable> models) {
  fleet_.set_models(std::move(models));
  changed_ = true;
}

void FleetBoard::publish() {
  if (std::exchange(adapters_changed_, false)) {
    const std::vector<Clock::time_point> times(fleet_.adapters_at().begin(),
                                               fleet_.adapters_at().end());
    fleet_.set_adapters(adapters_, times);
  }
  published_->publish(fleet_);
  changed_ = false;
}

}  // namespace pointsman
