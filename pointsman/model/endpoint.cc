#include "pointsman/model/endpoint.h"

namespace pointsman {
namespace {

std::string join(const std::string& host, std::uint16_t port) {
  const bool v6 = host.contains(':');
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace

void Endpoint::complete() {
  id = ns + "/" + name;
  if (host.empty()) host = address;
  host_port = host_and(port);
  if (pod.empty()) pod = name;
  if (metrics_host.empty()) metrics_host = join(host, port);
  std::ranges::stable_sort(labels, {}, &std::pair<std::string, std::string>::first);
}

std::string Endpoint::host_and(std::uint16_t other_port) const {
  return join(address.empty() ? host : address, other_port);
}

const std::string* Endpoint::label(std::string_view label_key) const {
  const auto at =
      std::ranges::lower_bound(labels, label_key, {}, &std::pair<std::string, std::string>::first);
  return at != labels.end() && at->first == label_key ? &at->second : nullptr;
}

}  // namespace pointsman
