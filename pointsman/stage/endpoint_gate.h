#pragma once

#include "pointsman/base/clock.h"
#include "pointsman/model/endpoint.h"

namespace pointsman {

// Who may know better than discovery and metrics that an endpoint should get no requests now.
//
// Threading: any thread.
class EndpointGate {
 public:
  virtual ~EndpointGate() = default;

  // Whether there may be a closed endpoint at all. Almost always false, and then cheap.
  virtual bool any(Clock::time_point now) const = 0;
  virtual bool closed(EndpointKey endpoint, Clock::time_point now) const = 0;
};

}  // namespace pointsman
