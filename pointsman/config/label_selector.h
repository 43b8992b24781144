#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/base/result.h"

namespace pointsman {

// A Kubernetes label selector in its text form: comma-separated conditions that all hold, each
// one of `k`, `!k`, `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k>n`, `k<n`.
class LabelSelector {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;  // names differ

  // An empty text matches everything.
  // Errors: invalid_config, `unable to parse requirement: ...`, or what is wrong with a key or
  // value.
  static Result<LabelSelector> parse(std::string_view text);

  // `!=` and `notin` hold for a label that is absent as well.
  bool matches(const Labels& labels) const;

 private:
  enum class Operator : std::uint8_t { exists, absent, in, not_in, greater, less };
  struct Requirement {
    std::string key;
    Operator op = Operator::exists;
    std::vector<std::string> values;
  };
  class Parser;

  static bool holds(const Requirement& requirement, const Labels& labels);

  std::vector<Requirement> requirements_;
};

}  // namespace pointsman
