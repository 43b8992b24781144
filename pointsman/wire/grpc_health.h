#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/wire/grpc_call.h"

namespace pointsman {

// grpc.health.v1.HealthCheckResponse.ServingStatus
enum class Serving : std::uint8_t {
  unknown = 0,
  serving = 1,
  not_serving = 2,
  service_unknown = 3
};

// Adds grpc.health.v1.Health: Check answers with `state` of the service asked for, List with the
// states of `listed`, Watch with UNIMPLEMENTED (spec/02 section 10).
// Threading: `state` is called on the loop of each connection.
void add_health(GrpcRoutes& routes, const std::function<Serving(std::string_view service)>& state,
                std::vector<std::string> listed);

}  // namespace pointsman
