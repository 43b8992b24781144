#include "pointsman/stage/setup.h"

namespace pointsman {

std::uint16_t SignalTable::place(const DataKey& key) {
  const auto [at, fresh] = places_.try_emplace(key.text(), next_);
  if (fresh) ++next_;
  return at->second;
}

}  // namespace pointsman
