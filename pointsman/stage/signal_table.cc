#include "pointsman/stage/signal_table.h"

#include <algorithm>
#include <utility>

namespace pointsman {

std::uint16_t SignalTable::place(SignalColumn column) {
  column.place = next_;
  std::string key = column.key;
  const auto [at, is_new] = columns_.try_emplace(std::move(key), std::move(column));
  if (is_new) ++next_;
  return at->second.place;
}

std::optional<std::uint16_t> SignalTable::find(const DataKey& key) const {
  const SignalColumn* const found = column(key);
  return found == nullptr ? std::nullopt : std::optional(found->place);
}

const SignalColumn* SignalTable::column(const DataKey& key) const {
  const auto found = columns_.find(key.text());
  return found == columns_.end() ? nullptr : &found->second;
}

void SignalTable::add_header(std::string_view name) {
  const auto at = std::ranges::lower_bound(headers_, name);
  if (at == headers_.end() || *at != name) headers_.insert(at, std::string(name));
}

}  // namespace pointsman
