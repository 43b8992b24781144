#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "pointsman/base/random.h"
#include "pointsman/base/result.h"
#include "pointsman/model/decision.h"

namespace pointsman {

// Which traces are worth keeping once it is known how their request went (--keep): a comma list of
//   slow          first byte, or the end without one, later than `slow`
//   failed        refused, an error, a status from 500, or the upstream broke off
//   close-call    the pick led by less than 2 % of its total, ties excepted
//   mispredicted  cached tokens differ from what was predicted by more than 512 and by more than a
//                 quarter of the prompt
//   1/N           one request of N, whatever became of it
class KeepRules {
 public:
  // Keeps nothing.
  KeepRules() = default;
  // Errors: invalid_config, naming the rule. An empty text keeps nothing.
  static Result<KeepRules> parse(std::string_view text, std::chrono::nanoseconds slow);

  bool any() const { return slow_ || failed_ || close_call_ || mispredicted_ || one_in_ > 0; }

  // The first rule that keeps this request; empty: none. `decision` may be null.
  // `error_code`: of the error that ended the request phase, or empty.
  std::string_view why(const Decision* decision, std::string_view error_code, Random& random) const;

 private:
  Result<void> add(std::string_view rule);

  bool slow_ = false;
  bool failed_ = false;
  bool close_call_ = false;
  bool mispredicted_ = false;
  std::uint64_t one_in_ = 0;
  std::chrono::nanoseconds slow_after_{};
};

}  // namespace pointsman
