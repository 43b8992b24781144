#include "pointsman/stage/setup.h"

namespace pointsman {

std::uint16_t SignalTable::place(const SignalShape& shape) {
  const auto next = static_cast<std::uint16_t>(shapes_.size());
  const auto [at, is_new] = places_.try_emplace(shape.key.text(), next);
  if (is_new) shapes_.push_back(shape);
  return at->second;
}

std::optional<std::uint16_t> SignalTable::find(const DataKey& key) const {
  const auto found = places_.find(key.text());
  return found == places_.end() ? std::nullopt : std::optional(found->second);
}

std::uint16_t SignalTable::fresh() {
  shapes_.push_back({});
  return static_cast<std::uint16_t>(shapes_.size() - 1);
}

}  // namespace pointsman
