#pragma once

#include <memory>

#include "pointsman/model/decision.h"

namespace pointsman {

// Hears of every decision, on the request's thread: both calls only hand over and return. A
// decision that is held longer is kept from being used again, so it is given back through
// DecisionRing.
//
// Threading: any thread.
class DecisionSink {
 public:
  virtual ~DecisionSink() = default;

  // Whether inputs shall be taken for it.
  virtual bool wants_inputs() const { return false; }
  // The decision is made. Everything but its outcome is immutable from now on.
  virtual void kept(const std::shared_ptr<Decision>& decision) = 0;
  // Its request is over.
  virtual void ended(const std::shared_ptr<Decision>& decision, const Outcome& outcome) = 0;
};

}  // namespace pointsman
