#include "pointsman/edge/control_headers.h"

#include <algorithm>

#include "pointsman/wire/http.h"

namespace pointsman {
namespace {

template <typename Names>
bool contains(const Names& names, std::string_view name) {
  return std::ranges::any_of(names, [&](std::string_view each) { return same_name(each, name); });
}

}  // namespace

bool is_control_header(std::string_view name) {
  return contains(kControlHeaders, name);
}

void client_control_headers(std::span<const Header> received, std::vector<std::string_view>& into) {
  into.clear();
  for (const Header& header : received) {
    if (!is_control_header(header.name) || same_name(header.name, kDestinationHeader) ||
        contains(into, header.name)) {
      continue;
    }
    into.push_back(header.name);
  }
}

}  // namespace pointsman
