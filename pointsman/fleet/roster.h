#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/model/endpoint.h"

namespace pointsman {

// Who belongs to the fleet, and under which key. An endpoint keeps its key as long as it is listed
// with the same id, host and port; whoever is at another place is somebody else.
class Roster {
 public:
  static constexpr std::size_t kMaxEndpoints = 16'384;

  // What an update changed, by id.
  struct Change {
    std::vector<std::string> joined;
    std::vector<std::string> left;
    std::vector<std::string> relabelled;  // same key, other labels or details

    bool any() const { return !joined.empty() || !left.empty() || !relabelled.empty(); }
  };

  Roster();

  // Replaces the list. Addresses that host names had stay with those who stay.
  // Errors: invalid_config when there are more than kMaxEndpoints; nothing is changed then.
  // REQUIRES: ids are distinct.
  Result<Change> update(std::vector<Endpoint> endpoints);

  // Gives an address to everybody who is configured with this host name; says whether anything
  // changed.
  bool set_address(std::string_view host, const std::string& address);

  // In the order of the last update.
  const std::shared_ptr<const std::vector<Endpoint>>& endpoints() const { return endpoints_; }

 private:
  EndpointKey take_key();
  void give_back(EndpointKey key);

  std::shared_ptr<const std::vector<Endpoint>> endpoints_;
  std::deque<EndpointKey> free_;  // with the generation of their next use; longest free first
  std::uint32_t slots_ = 0;       // used so far
};

}  // namespace pointsman
