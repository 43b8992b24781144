#include "pointsman/model/endpoint.h"

namespace pointsman {

void Endpoint::complete() {
  id = ns + "/" + name;
  const bool v6 = address.contains(':');
  host_port = (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
  if (pod.empty()) pod = name;
  if (metrics_host.empty()) metrics_host = host_port;
  std::ranges::stable_sort(labels, {}, &std::pair<std::string, std::string>::first);
}

const std::string* Endpoint::label(std::string_view label_key) const {
  const auto at =
      std::ranges::lower_bound(labels, label_key, {}, &std::pair<std::string, std::string>::first);
  return at != labels.end() && at->first == label_key ? &at->second : nullptr;
}

}  // namespace pointsman
