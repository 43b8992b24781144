#include "pointsman/engine/candidates.h"

namespace pointsman {

bool in_subset(const Endpoint& endpoint, std::span<const std::string_view> allowed) {
  for (std::string_view element : allowed) {
    std::string_view address = element.substr(0, element.rfind(':'));
    if (address.starts_with('[') && address.ends_with(']')) {
      address = address.substr(1, address.size() - 2);
    }
    if (address == endpoint.address || element == endpoint.address) return true;
  }
  return false;
}

}  // namespace pointsman
