#include "pointsman/fleet/static_endpoints.h"

#include <algorithm>
#include <string_view>

#include "pointsman/fleet/endpoints_file.h"
#include "pointsman/model/endpoint_protocol.h"
#include "pointsman/wire/address.h"

namespace pointsman {
namespace {

std::unexpected<Error> refuse(std::string_view url, std::string_view why) {
  return fail(Code::invalid_config, "--endpoint " + std::string(url) + ": " + std::string(why));
}

Result<Endpoint> parse_flag(const std::string& text) {
  constexpr std::string_view kScheme = "h2c://";
  const bool h2c = text.starts_with(kScheme);
  // Not shown: there may be a password in it.
  if (const std::size_t at = text.substr(0, text.find_first_of("?#")).rfind('@');
      at != std::string::npos) {
    return refuse("..." + text.substr(at),
                  "there is a user name in it; a key for model servers stands in "
                  "--upstream-api-key-file");
  }
  const auto url = Url::parse(h2c ? "http://" + text.substr(kScheme.size()) : text);
  if (!url) return refuse(text, url.error().message);
  if (!url->path.empty()) {
    return refuse(text, "give the server's address alone, without the path " + url->path);
  }
  if (url->host.port == 0) return refuse(text, "the port is 0");
  Endpoint endpoint{.ns = "default",
                    .name = url->host.text(),
                    .host = url->host.host,
                    .port = url->host.port,
                    .tls = url->tls};
  const auto ip = Address::parse(std::string_view(url->host.host), url->host.port);
  if (ip) {
    endpoint.address = ip->host();
  } else if (!is_host_name(url->host.host)) {
    return refuse(text, "\"" + url->host.host + "\" is no host");
  }
  if (h2c) endpoint.labels.emplace_back(kProtocolLabel, kH2c);
  endpoint.complete();
  return endpoint;
}

}  // namespace

Result<std::vector<Endpoint>> parse_endpoint_flags(std::span<const std::string> urls) {
  std::vector<Endpoint> endpoints;
  for (const std::string& url : urls) {
    POINTSMAN_TRY(endpoint, parse_flag(url));
    if (std::ranges::find(endpoints, endpoint.id, &Endpoint::id) != endpoints.end()) {
      return refuse(url, "given twice");
    }
    endpoints.push_back(std::move(endpoint));
  }
  return endpoints;
}

}  // namespace pointsman
