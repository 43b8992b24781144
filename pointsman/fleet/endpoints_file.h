#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/model/endpoint.h"

namespace pointsman {

// What an entry may give as its address.
enum class HostRule : std::uint8_t {
  ipv4,  // an IPv4 literal, as the file-discovery plugin of the reference
  any,   // an IP literal or a host name
};

// What an endpoints file says (spec/04 section 11.2):
//
//   endpoints:
//   - {name: ep1, namespace: default, address: 10.0.0.1, port: "8000", labels: {k: v}}
struct EndpointsFile {
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20U;

  // An entry that cannot be used.
  struct Bad {
    std::string id;    // "<namespace>/<name>"
    std::string text;  // such as `endpoint "ep1": invalid port "99999"`
  };

  // Usable entries in their order, completed; of entries with one id the last. Host names have no
  // address yet.
  std::vector<Endpoint> endpoints;
  std::vector<Bad> bad;

  // Keys are matched without regard to case, unknown ones are ignored, and a text without
  // `endpoints` has none. A port may be a text or a number.
  // Errors: invalid_config with a line number, for text that is not YAML or a value of the wrong
  // type; nothing of the text is used then.
  static Result<EndpointsFile> parse(std::string_view text, HostRule rule);
};

// Whether `host` can be a host name: letters, digits, `-`, `_` and dots, and not an IPv4 address
// gone wrong.
bool is_host_name(std::string_view host);

}  // namespace pointsman
