#pragma once

#include <span>
#include <string_view>

#include "pointsman/model/decision.h"
#include "pointsman/stage/context.h"

namespace pointsman {

// Says how good each candidate is for a request.
class Scorer {
 public:
  virtual ~Scorer() = default;

  // Writes one score per candidate, nominally in [0, 1], 1 being best. `out` comes filled with
  // NaN; what stays NaN is "no score" and contributes nothing.
  // REQUIRES: out.size() == candidates.size(); candidates ascend.
  // Threading: called concurrently. Must not block, allocate or log.
  virtual void score(const Context& context, std::span<const EndpointIndex> candidates,
                     std::span<double> out) const = 0;

  // What the score is made from, for the Decision.
  virtual Reading reading() const { return {}; }
  // The unit of the recorded readings, in words.
  virtual std::string_view unit() const { return {}; }
  // Writes what was read for each candidate. Called only when reading().from is `signal`.
  virtual void readings(const Context& /*context*/, std::span<const EndpointIndex> /*candidates*/,
                        std::span<float> /*out*/) const {}
};

}  // namespace pointsman
