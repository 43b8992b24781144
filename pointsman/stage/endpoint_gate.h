#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pointsman/base/clock.h"
#include "pointsman/model/decision.h"
#include "pointsman/model/endpoint.h"

namespace pointsman {

// What was seen of an endpoint whose requests failed.
struct EndpointTrouble {
  std::uint32_t failures = 0;   // in a row
  std::uint32_t ejections = 0;  // in a row
  Clock::duration out_for{};    // left out for so much longer; zero: it gets requests
};

// Who may know better than discovery and metrics that an endpoint should get no requests now.
//
// Threading: any thread.
class EndpointGate {
 public:
  virtual ~EndpointGate() = default;

  // Why those that it closes are left out.
  virtual DropReason reason() const = 0;

  // Whether there may be a closed endpoint at all. Almost always false, and then cheap.
  virtual bool any(Clock::time_point now) const = 0;
  // Whether that endpoint should get none. One that it knows nothing of is open.
  virtual bool closed(EndpointKey endpoint, Clock::time_point now) const = 0;

  // Nothing: all is well with it.
  virtual std::optional<EndpointTrouble> trouble(EndpointKey /*endpoint*/,
                                                 Clock::time_point /*now*/) const {
    return std::nullopt;
  }
};

// Asked one after the other. None is null, and each outlives whoever asks.
using EndpointGates = std::vector<const EndpointGate*>;

}  // namespace pointsman
