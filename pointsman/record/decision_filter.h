#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/record/decision_facts.h"

namespace pointsman {

// A condition on decisions, as in `pointsman tap --where`:
//
//   expr  := and { "or" and }          and := unary { "and" unary }
//   unary := "not" unary | "(" expr ")" | field op value
//   op    := = == != < <= > >= ~ !~    ~ is "contains", of texts only
//   value := a number, a word, or a text in ' or "
//
// A comparison with something that is not known is false.
class DecisionFilter {
 public:
  static constexpr std::size_t kMaxText = 1024;
  static constexpr std::size_t kMaxTerms = 64;

  // True of everything.
  DecisionFilter() = default;
  // An empty text is true of everything.
  // Errors: bad_request, what is wrong and at which character.
  static Result<DecisionFilter> parse(std::string_view text);

  bool matches(const DecisionFacts& facts) const;

 private:
  friend class FilterParser;

  enum class Op : std::uint8_t { equal, not_equal, less, at_most, more, at_least, has, has_not };
  struct Term {
    Fact fact = Fact::status;
    Op op = Op::equal;
    double number = 0.0;
    std::string text;
  };
  // In postfix order: the place of a term, or one of these.
  static constexpr std::uint8_t kAnd = 253;
  static constexpr std::uint8_t kOr = 254;
  static constexpr std::uint8_t kNot = 255;

  static bool holds(const Term& term, const DecisionFacts& facts);

  std::vector<Term> terms_;
  std::vector<std::uint8_t> program_;
};

}  // namespace pointsman
