#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/base/result.h"

namespace pointsman {

// A Kubernetes label selector: conditions that all hold.
class LabelSelector {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;  // names differ

  enum class Operator : std::uint8_t { exists, absent, in, not_in, greater, less };
  struct Requirement {
    std::string key;
    Operator op = Operator::exists;
    std::vector<std::string> values;
  };

  // Matches everything.
  LabelSelector() = default;
  // REQUIRES: `in` and `not_in` have values; `greater` and `less` one, a whole number.
  explicit LabelSelector(std::vector<Requirement> requirements)
      : requirements_(std::move(requirements)) {}

  // From its text form, conditions parted by commas, each one of `k`, `!k`, `k=v`, `k==v`, `k!=v`,
  // `k in (a,b)`, `k notin (a,b)`, `k>n`, `k<n`. An empty text matches everything.
  // Errors: invalid_config, `unable to parse requirement: ...`, or what is wrong with a key or
  // value.
  static Result<LabelSelector> parse(std::string_view text);

  // `!=` and `notin` hold for a label that is absent as well.
  bool matches(const Labels& labels) const;

 private:
  class Parser;

  static bool holds(const Requirement& requirement, const Labels& labels);

  std::vector<Requirement> requirements_;
};

}  // namespace pointsman
