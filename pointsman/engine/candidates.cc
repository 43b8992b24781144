#include "pointsman/engine/candidates.h"

#include <algorithm>
#include <cstddef>

#include "pointsman/base/text.h"

namespace pointsman {

namespace {

bool same_word(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) { return to_lower(x) == y; });
}

}  // namespace

bool prefers_if_available(std::string_view prefer) {
  while (!prefer.empty()) {
    const std::size_t comma = std::min(prefer.find(','), prefer.size());
    const std::string_view piece = prefer.substr(0, comma);
    if (same_word(trim(piece.substr(0, piece.find(';'))), "if-available")) return true;
    prefer.remove_prefix(std::min(comma + 1, prefer.size()));
  }
  return false;
}

bool in_subset(const Endpoint& endpoint, std::span<const std::string_view> allowed) {
  for (const std::string_view element : allowed) {
    std::string_view address = element.substr(0, element.rfind(':'));
    if (address.starts_with('[') && address.ends_with(']')) {
      address = address.substr(1, address.size() - 2);
    }
    if (address == endpoint.address || element == endpoint.address) return true;
  }
  return false;
}

}  // namespace pointsman
