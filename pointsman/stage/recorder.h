#pragma once

#include <cstdint>
#include <memory>

#include "pointsman/model/decision.h"

namespace pointsman {

// Keeps decisions for those who ask later.
class Recorder {
 public:
  virtual ~Recorder() = default;

  // An empty decision to fill, with an id. Threading: any thread.
  virtual std::shared_ptr<Decision> fresh() = 0;

  // The decision is made: others may see it from now on, and only join() changes it.
  virtual void keep(const std::shared_ptr<Decision>& decision) = 0;

  // Whether somebody wants the inputs of decisions (take_inputs), and the key of prompt prints.
  virtual bool wants_inputs() const { return false; }
  virtual std::uint64_t print_salt() const { return 0; }

  // How it ended.
  virtual void join(const std::shared_ptr<Decision>& decision, const Outcome& outcome) = 0;
};

}  // namespace pointsman
