#pragma once

#include "pointsman/model/fleet.h"
#include "pointsman/stage/context.h"

namespace pointsman {

// Says whether a request is worth a stage of its own on another server (disaggregated serving).
// Named by a profile handler; it does nothing by itself.
class Decider {
 public:
  virtual ~Decider() = default;

  // `endpoint`: where the request will be decoded, kNoEndpoint when that is not known yet.
  // Threading: called concurrently. Must not block, allocate or log.
  virtual bool disaggregate(const Context& context, EndpointIndex endpoint) const = 0;
};

}  // namespace pointsman
