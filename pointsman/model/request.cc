#include "pointsman/model/request.h"

#include <algorithm>
#include <ranges>

namespace pointsman {

std::string_view Request::header(std::string_view name) const {
  for (const Header& header : headers | std::views::reverse) {
    if (header.name == name) return header.value;
  }
  return {};
}

bool Request::has_header(std::string_view name) const {
  return std::ranges::find(headers, name, &Header::name) != headers.end();
}

}  // namespace pointsman
