#pragma once

#include <string_view>

#include "pointsman/wire/grpc_health.h"

namespace pointsman {

inline constexpr std::string_view kExtProcService = "envoy.service.ext_proc.v3.ExternalProcessor";

// What the endpoint picker's health is made of (spec/02 section 10).
struct HealthInputs {
  bool live = true;   // the pool is known
  bool proto = true;  // every parser understands the pool's application protocol
  bool ready = true;  // every plugin that can be unready is ready
  bool draining = false;
};

// The answer to a health check of `service` while no leader is elected.
Serving health_of(std::string_view service, const HealthInputs& inputs);

}  // namespace pointsman
