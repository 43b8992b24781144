#include "pointsman/edge/http/outliers.h"

#include <algorithm>

namespace pointsman {

const Outliers::Cell* Outliers::find(EndpointKey endpoint) const {
  const Cell* const cell = cells_.find(endpoint.slot());
  if (cell == nullptr || cell->key.load(std::memory_order_relaxed) != endpoint.value) {
    return nullptr;
  }
  return cell;
}

Outliers::Cell& Outliers::cell(EndpointKey endpoint) {
  Cell& cell = cells_.at(endpoint.slot());
  if (cell.key.exchange(endpoint.value, std::memory_order_relaxed) != endpoint.value) {
    // Somebody else had this slot before.
    cell.failures.store(0, std::memory_order_relaxed);
    cell.refusals.store(0, std::memory_order_relaxed);
    cell.times.store(0, std::memory_order_relaxed);
    cell.until.store(0, std::memory_order_relaxed);
  }
  return cell;
}

bool Outliers::closed(EndpointKey endpoint, Clock::time_point now) const {
  const Cell* const cell = find(endpoint);
  return cell != nullptr &&
         now.time_since_epoch().count() < cell->until.load(std::memory_order_relaxed);
}

bool Outliers::failed(EndpointKey endpoint, bool connecting, Clock::time_point now) {
  if (options_.failures == 0) return false;
  Cell& mine = cell(endpoint);
  const std::uint32_t failures = mine.failures.fetch_add(1) + 1;
  const std::uint32_t refusals = connecting ? mine.refusals.fetch_add(1) + 1 : 0;
  const std::int64_t at = now.time_since_epoch().count();
  if (at < mine.until.load()) return false;  // a request that was on its way
  const std::uint32_t before = mine.times.load();
  const bool again = before > 0;
  if (!again && failures < options_.failures && refusals < options_.connect_failures) return false;
  const Clock::duration doubled = options_.first * (1 << std::min(before, 16U));
  const std::int64_t until = at + std::min(doubled, options_.longest).count();
  mine.times.store(before + 1);
  mine.until.store(until);
  std::int64_t newest = newest_.load();
  while (newest < until && !newest_.compare_exchange_weak(newest, until)) {
  }
  return true;
}

bool Outliers::succeeded(EndpointKey endpoint) {
  const Cell* const known = find(endpoint);
  if (known == nullptr || known->failures.load(std::memory_order_relaxed) == 0) return false;
  Cell& mine = cell(endpoint);
  // An answer that was on its way when it was left out proves little.
  if (Clock::now().time_since_epoch().count() < mine.until.load()) return false;
  mine.failures.store(0);
  mine.refusals.store(0);
  return mine.times.exchange(0) > 0;
}

std::optional<EndpointTrouble> Outliers::trouble(EndpointKey endpoint,
                                                 Clock::time_point now) const {
  const Cell* const known = find(endpoint);
  if (known == nullptr || known->failures.load(std::memory_order_relaxed) == 0) return std::nullopt;
  const std::int64_t left = known->until.load() - now.time_since_epoch().count();
  return EndpointTrouble{.failures = known->failures.load(),
                         .ejections = known->times.load(),
                         .out_for = Clock::duration(std::max<std::int64_t>(left, 0))};
}

}  // namespace pointsman
