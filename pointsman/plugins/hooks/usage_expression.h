#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/stage/parser.h"

namespace pointsman {

// An expression over the token counts that a model server reported, in a subset of CEL
// (https://github.com/google/cel-spec, langdef.md):
//
//   literals     1, 0x1F, 2.5, 1e3, 'text', "text", true, false
//   the counts   usage.prompt_tokens, usage['prompt_tokens'], has(usage.prompt_tokens)
//   operators    ( ) . [ ] unary - !   * / %   + -   < <= > >= == !=   &&   ||   ? :
//   functions    int(x), double(x)
//
// CEL's rules hold: every count is a double, and a double meets an integer in a comparison but not
// in arithmetic (write `usage.prompt_tokens * 2.0`); whole numbers do not wrap; && and || need only
// one side where that one decides. Everything else of CEL is refused when it is compiled, and so is
// an operator whose operands can be seen never to fit, such as `1 + true`.
//
// Threading: immutable once compiled.
class UsageExpression {
 public:
  // What an expression comes to.
  struct Value {
    enum class Kind : std::uint8_t { error, boolean, integer, number, text, map };
    Kind kind = Kind::error;
    bool boolean = false;
    std::int64_t integer = 0;
    double number = 0.0;
    std::string_view text;  // of a text; of an error: what is wrong
    std::uint8_t map = 0;   // which of the maps of usage
  };

  static constexpr std::size_t kLongest = 4096;  // bytes
  static constexpr int kDeepest = 64;            // nested parts

  // Errors: invalid_config, worded like cel-go's, with the column:
  // `ERROR: <input>:1:23: Syntax error: unexpected end of expression`.
  static Result<UsageExpression> compile(std::string_view text);

  // An error is one of the kinds, so that the rest of an expression can do without it. A text in
  // the value lives as long as the expression.
  Value evaluate(const Usage& usage) const { return evaluate(usage, root_); }

 private:
  friend class UsageExpressionParser;
  friend class UsageExpressionTypes;
  enum class Op : std::uint8_t {
    boolean,
    integer,
    number,
    text,  // literals
    usage,
    select,
    has,
    negate,
    invert,
    multiply,
    divide,
    modulo,
    add,
    subtract,
    less,
    less_equal,
    greater,
    greater_equal,
    equal,
    unequal,
    both,
    either,
    choose,
    to_int,
    to_double,
  };
  struct Node {
    Op op = Op::boolean;
    std::uint16_t a = 0;  // operands, as indices
    std::uint16_t b = 0;
    std::uint16_t c = 0;
    bool boolean = false;
    std::int64_t integer = 0;
    double number = 0.0;
    std::string text;          // of a literal; the field of select and has
    std::uint16_t column = 0;  // where an operation's operator stands, from 1
  };

  Value evaluate(const Usage& usage, std::uint16_t at) const;
  Value logical(const Usage& usage, const Node& node) const;
  // Errors: invalid_config, when operands can be seen never to fit their operator.
  Result<void> check_types() const;

  std::vector<Node> nodes_;
  std::uint16_t root_ = 0;
};

}  // namespace pointsman
