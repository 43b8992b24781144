#pragma once

#include <string_view>

#include "pointsman/model/endpoint.h"

namespace pointsman {

// The label that says how an endpoint is spoken with, and its value for HTTP/2 over plain TCP with
// prior knowledge (RFC 9113 3.3). Any other value, or none, is HTTP/1.1.
inline constexpr std::string_view kProtocolLabel = "protocol";
inline constexpr std::string_view kH2c = "h2c";

// Whether `endpoint` wants HTTP/2. Servers with TLS are spoken with in HTTP/1.1.
inline bool speaks_http2(const Endpoint& endpoint) {
  const std::string* const protocol = endpoint.label(kProtocolLabel);
  return protocol != nullptr && *protocol == kH2c && !endpoint.tls;
}

}  // namespace pointsman
