#pragma once

#include <span>

#include "pointsman/base/random.h"
#include "pointsman/base/result.h"
#include "pointsman/stage/context.h"

namespace pointsman {

// Says whether a request may go at all, once everything is known that scheduling will know.
class Admitter {
 public:
  virtual ~Admitter() = default;

  // An error refuses the request; its code and drop reason reach the client. `candidates` is not
  // empty. `random` starts from the seed that the Decision records.
  // Threading: called concurrently. Must not block.
  virtual Result<void> admit(const Context& context, std::span<const EndpointIndex> candidates,
                             Random random) const = 0;
};

}  // namespace pointsman
