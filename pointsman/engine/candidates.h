#pragma once

#include <span>
#include <string_view>

#include "pointsman/model/endpoint.h"

namespace pointsman {

// Whether the gateway's subset allows the endpoint (spec/03 section 12): an element names its
// address, with or without a port; the port does not count, nor do brackets around IPv6.
bool in_subset(const Endpoint& endpoint, std::span<const std::string_view> allowed);

// Whether a Prefer header asks for `if-available` (spec/03 section 2.4).
bool prefers_if_available(std::string_view prefer);

}  // namespace pointsman
