#pragma once

#include <span>

#include "pointsman/base/random.h"
#include "pointsman/stage/context.h"
#include "pointsman/stage/producer.h"

namespace pointsman {

// Takes endpoints out of the running for all profiles, before producers look at them.
class Screener {
 public:
  virtual ~Screener() = default;

  // Clears `stays`, which is true and goes with `candidates`, for whom the request must not reach.
  // Every screener is asked about the same candidates, whatever the others say; who stays with all
  // of them, stays. Of `context.signals` only what ArrivalHooks wrote is there. `random` starts
  // from the seed that the Decision records. Threading: called concurrently. Must not block.
  virtual void screen(const Context& context, std::span<const EndpointIndex> candidates,
                      std::span<bool> stays, Random random, Samples& samples) const = 0;
};

}  // namespace pointsman
