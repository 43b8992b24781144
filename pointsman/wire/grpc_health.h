#pragma once

#include <cstddef>
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

using HealthState = std::function<Serving(std::string_view service)>;

// The open calls of grpc.health.v1.Health/Watch on one loop: each is told the state of its service
// at once and whenever it has changed, also that the service is unknown. At most kMost at a time,
// of services with names of at most kLongestName bytes; more are refused with RESOURCE_EXHAUSTED
// and INVALID_ARGUMENT.
//
// Threading: its loop's thread. Outlives the connections that its calls are on.
class HealthWatches final {
 public:
  static constexpr std::size_t kMost = 1024;
  static constexpr std::size_t kLongestName = 256;

  explicit HealthWatches(HealthState state) : state_(std::move(state)) {}

  // Looks at the state of every service that is watched, and tells those who watch it.
  void look();
  // Ends all watches, and each new one once it has been told the state, with UNAVAILABLE: the
  // server drains, and who wants to know more asks another one.
  void end();

  std::size_t size() const { return open_.size(); }

 private:
  friend void add_health(GrpcRoutes& routes, const HealthState& state,
                         std::vector<std::string> listed, HealthWatches* watches);
  class Watch;

  HealthState state_;
  std::vector<Watch*> open_;
  bool ended_ = false;
};

// Adds grpc.health.v1.Health: Check answers with `state` of the service asked for, List with the
// states of `listed`, Watch by `watches`, which outlives the calls, or without them with
// UNIMPLEMENTED (spec/02 section 10).
// Threading: `state` is called on the loop of each connection.
void add_health(GrpcRoutes& routes, const HealthState& state, std::vector<std::string> listed,
                HealthWatches* watches = nullptr);

}  // namespace pointsman
