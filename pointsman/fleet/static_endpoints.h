#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/model/endpoint.h"
#include "pointsman/stage/datalayer.h"

namespace pointsman {

// The endpoints of `--endpoint` flags, in their order: URLs with the scheme http, https or h2c, a
// host and maybe a port. h2c is HTTP/2 without TLS, and becomes the label that says so. An endpoint
// is called "<host>:<port>", in the namespace "default". Errors: invalid_config, naming the flag's
// value: no such URL, a path, or a name given twice.
Result<std::vector<Endpoint>> parse_endpoint_flags(std::span<const std::string> urls);

// Endpoints that never change.
class StaticDiscovery final : public Discovery {
 public:
  explicit StaticDiscovery(std::vector<Endpoint> endpoints) : endpoints_(std::move(endpoints)) {}

  Result<void> start(Events events) override {
    events.found(std::move(endpoints_));
    return {};
  }
  void stop() override {}

 private:
  std::vector<Endpoint> endpoints_;
};

}  // namespace pointsman
