#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pointsman {

// Names one endpoint for as long as the process lives. The low 16 bits are a slot that is reused
// after an endpoint has gone; the rest counts the reuses, so that what was remembered of the old
// endpoint never meets the new one.
struct EndpointKey {
  std::uint32_t value = 0;

  std::uint16_t slot() const { return static_cast<std::uint16_t>(value); }
  bool operator==(const EndpointKey&) const = default;
};

// Who a model server is: everything that does not change from scrape to scrape.
struct Endpoint {
  std::string ns;       // namespace, may be empty
  std::string name;     // unique within the namespace
  std::string pod;      // workload name; several endpoints may share it
  std::string host;     // as configured: an IP literal or a host name
  std::string address;  // IP literal; empty while a host name has not been resolved
  std::uint16_t port = 0;
  std::string node_address;                                 // may be empty
  std::string metrics_host;                                 // host:port that is scraped
  std::vector<std::pair<std::string, std::string>> labels;  // sorted by key
  int rank = 0;                                             // data-parallel rank
  bool tls = false;                                         // the server speaks https
  EndpointKey key;

  // "<namespace>/<name>", with the slash also when the namespace is empty.
  std::string id;
  // "address:port", IPv6 in brackets; with `host` in place of an empty address.
  std::string host_port;

  // Fills `id`, `host_port`, and `host`, `pod` and `metrics_host` where empty; sorts the labels.
  // To be called again after a change.
  void complete();

  // "address:port" with another port.
  std::string host_and(std::uint16_t other_port) const;

  // The label's value, or nullptr.
  const std::string* label(std::string_view label_key) const;
};

}  // namespace pointsman
