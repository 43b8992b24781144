#pragma once

#include <span>

#include "pointsman/base/clock.h"
#include "pointsman/model/fleet.h"

namespace pointsman {

// Says how full a set of endpoints is.
class SaturationDetector {
 public:
  virtual ~SaturationDetector() = default;

  // 1 is full, more is oversubscribed; a set of none is full.
  // Threading: called concurrently.
  virtual double saturation(const Fleet& fleet, std::span<const EndpointIndex> endpoints,
                            Clock::time_point now) const = 0;
};

// A flow-control policy. This build validates configurations that name one; the queue that would
// ask it is not in this build.
class FlowPolicy {
 public:
  enum class Kind { ordering, fairness, usage_limit };
  virtual ~FlowPolicy() = default;
  virtual Kind kind() const = 0;
};

}  // namespace pointsman
