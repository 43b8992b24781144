#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/model/fleet.h"

namespace pointsman {

// A plugin that shows operators what it remembers.
class StateDumper {
 public:
  virtual ~StateDumper() = default;

  // One JSON value of bounded size, without anything that clients choose; empty: null. `fleet` is
  // that of the moment.
  // Threading: any thread, beside requests.
  virtual Result<std::string> dump(const Fleet& fleet) const = 0;
};

// The state of a plugin that remembers endpoints, in the reference's form (spec/01 section 3.2.15,
// spec/04 section 11.2): the first hundred of `ids`, and how many there are.
std::string endpoints_state(const std::vector<std::string>& ids, std::size_t total);

}  // namespace pointsman
