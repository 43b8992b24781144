#pragma once

#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

// For conformance tests: keeps the endpoints that the header test-epp-endpoint-selection names, a
// comma list of `ip` or `ip:port` (IPv6 in brackets where a port follows). Without a port the last
// candidate of that address is meant; of one address only one endpoint is kept, the first named.
// Nothing is kept without the header.
class HeaderTestingFilter final : public Filter {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "header-based-testing-filter";
  static constexpr std::string_view kHelp =
      "For conformance tests: keeps the endpoints that a request header names.";

  HeaderTestingFilter(Params params, Setup& setup);
  void filter(const Context& context, Candidates& candidates) const override;
};

}  // namespace pointsman
