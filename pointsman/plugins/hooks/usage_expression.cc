#include "pointsman/plugins/hooks/usage_expression.h"

#include <compare>
#include <limits>

namespace pointsman {
namespace {

using Value = UsageExpression::Value;
using Kind = Value::Kind;

// The maps that selection walks through.
constexpr std::uint8_t kUsage = 0;
constexpr std::uint8_t kDetails = 1;

Value error(std::string_view what) {
  return {.kind = Kind::error, .text = what};
}
// What comes of a value of the wrong kind; an error stays what it is.
Value refused(const Value& value) {
  return value.kind == Kind::error ? value : error("no such overload");
}
Value refused(const Value& a, const Value& b) {
  return a.kind == Kind::error ? a : refused(b);
}
Value of(bool value) {
  return {.kind = Kind::boolean, .boolean = value};
}
Value of(std::int64_t value) {
  return {.kind = Kind::integer, .integer = value};
}
Value of(double value) {
  return {.kind = Kind::number, .number = value};
}
Value count(std::int64_t tokens) {
  return of(tokens < 0 ? 0.0 : static_cast<double>(tokens));
}

// A member of one of the maps; an error when it has none of that name.
Value member(const Usage& usage, std::uint8_t map, std::string_view field) {
  if (map == kUsage) {
    if (field == "prompt_tokens") return count(usage.prompt);
    if (field == "completion_tokens") return count(usage.output);
    if (field == "total_tokens") return count(usage.total);
    if (field == "prompt_tokens_details" && usage.cached >= 0) {
      return {.kind = Kind::map, .map = kDetails};
    }
  } else if (field == "cached_tokens") {
    return count(usage.cached);
  }
  return error("no such key");
}

double as_double(const Value& value) {
  return value.kind == Kind::integer ? static_cast<double>(value.integer) : value.number;
}

// A whole number within int64, cut off towards zero.
Value whole(double value) {
  constexpr double kLimit = 0x1p63;  // the first double above every int64
  if (!(value > -kLimit && value < kLimit)) return error("range");
  return of(static_cast<std::int64_t>(value));
}

enum class Arithmetic : std::uint8_t { multiply, divide, modulo, add, subtract };

Value integers(Arithmetic op, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  const bool least_by_minus_one = a == std::numeric_limits<std::int64_t>::min() && b == -1;
  switch (op) {
    case Arithmetic::multiply:
      return __builtin_mul_overflow(a, b, &out) ? error("return error for overflow") : of(out);
    case Arithmetic::add:
      return __builtin_add_overflow(a, b, &out) ? error("return error for overflow") : of(out);
    case Arithmetic::subtract:
      return __builtin_sub_overflow(a, b, &out) ? error("return error for overflow") : of(out);
    case Arithmetic::divide:
      if (b == 0) return error("divide by zero");
      return least_by_minus_one ? error("return error for overflow") : of(a / b);
    case Arithmetic::modulo:
      if (b == 0) return error("modulus by zero");
      return least_by_minus_one ? error("return error for overflow") : of(a % b);
  }
  return error("no such overload");
}

Value doubles(Arithmetic op, double a, double b) {
  switch (op) {
    case Arithmetic::multiply:
      return of(a * b);
    case Arithmetic::divide:
      return of(a / b);
    case Arithmetic::add:
      return of(a + b);
    case Arithmetic::subtract:
      return of(a - b);
    case Arithmetic::modulo:
      break;
  }
  return error("no such overload");
}

Value compute(Arithmetic op, const Value& a, const Value& b) {
  if (a.kind == Kind::integer && b.kind == Kind::integer) return integers(op, a.integer, b.integer);
  if (a.kind == Kind::number && b.kind == Kind::number) return doubles(op, a.number, b.number);
  return refused(a, b);
}

bool numeric(const Value& value) {
  return value.kind == Kind::integer || value.kind == Kind::number;
}

// How two values are ordered; nothing when they cannot be.
std::optional<std::partial_ordering> order(const Value& a, const Value& b) {
  if (a.kind == Kind::integer && b.kind == Kind::integer) return a.integer <=> b.integer;
  if (numeric(a) && numeric(b)) return as_double(a) <=> as_double(b);
  if (a.kind != b.kind) return std::nullopt;
  if (a.kind == Kind::text) return a.text <=> b.text;
  if (a.kind == Kind::boolean) return a.boolean <=> b.boolean;
  return std::nullopt;
}

template <typename Holds>
Value compared(const Value& a, const Value& b, const Holds& holds) {
  const auto ordering = order(a, b);
  return ordering ? of(holds(*ordering)) : refused(a, b);
}

// Values of different kinds are not equal; there is no error.
Value equality(const Value& a, const Value& b, bool wanted) {
  if (a.kind == Kind::error || b.kind == Kind::error) return refused(a, b);
  if (a.kind == Kind::map && b.kind == Kind::map) return of((a.map == b.map) == wanted);
  const auto ordering = order(a, b);
  return of((ordering && *ordering == std::partial_ordering::equivalent) == wanted);
}

}  // namespace

// One side may be an error if the other decides.
Value UsageExpression::logical(const Usage& usage, const Node& node) const {
  const bool decides = node.op == Op::either;
  const Value a = evaluate(usage, node.a);
  if (a.kind == Kind::boolean && a.boolean == decides) return a;
  const Value b = evaluate(usage, node.b);
  if (b.kind == Kind::boolean && b.boolean == decides) return b;
  if (a.kind != Kind::boolean || b.kind != Kind::boolean) return refused(a, b);
  return of(!decides);
}

// NOLINTNEXTLINE(misc-no-recursion): kDeepest bounds it
Value UsageExpression::evaluate(const Usage& usage, std::uint16_t at) const {
  const Node& node = nodes_[at];
  const auto a = [&] { return evaluate(usage, node.a); };
  const auto b = [&] { return evaluate(usage, node.b); };
  switch (node.op) {
    case Op::boolean:
      return of(node.boolean);
    case Op::integer:
      return of(node.integer);
    case Op::number:
      return of(node.number);
    case Op::text:
      return {.kind = Kind::text, .text = node.text};
    case Op::usage:
      return {.kind = Kind::map, .map = kUsage};
    case Op::select:
    case Op::has: {
      const Value object = a();
      if (object.kind != Kind::map) return refused(object);
      const Value found = member(usage, object.map, node.text);
      return node.op == Op::has ? of(found.kind != Kind::error) : found;
    }
    case Op::negate: {
      const Value value = a();
      if (value.kind == Kind::number) return of(-value.number);
      return value.kind == Kind::integer ? integers(Arithmetic::subtract, 0, value.integer)
                                         : refused(value);
    }
    case Op::invert: {
      const Value value = a();
      return value.kind == Kind::boolean ? of(!value.boolean) : refused(value);
    }
    case Op::multiply:
      return compute(Arithmetic::multiply, a(), b());
    case Op::divide:
      return compute(Arithmetic::divide, a(), b());
    case Op::modulo:
      return compute(Arithmetic::modulo, a(), b());
    case Op::add:
      return compute(Arithmetic::add, a(), b());
    case Op::subtract:
      return compute(Arithmetic::subtract, a(), b());
    case Op::less:
      return compared(a(), b(), [](auto o) { return std::is_lt(o); });
    case Op::less_equal:
      return compared(a(), b(), [](auto o) { return std::is_lteq(o); });
    case Op::greater:
      return compared(a(), b(), [](auto o) { return std::is_gt(o); });
    case Op::greater_equal:
      return compared(a(), b(), [](auto o) { return std::is_gteq(o); });
    case Op::equal:
      return equality(a(), b(), true);
    case Op::unequal:
      return equality(a(), b(), false);
    case Op::both:
    case Op::either:
      return logical(usage, node);
    case Op::choose: {
      const Value condition = a();
      if (condition.kind != Kind::boolean) return refused(condition);
      return evaluate(usage, condition.boolean ? node.b : node.c);
    }
    case Op::to_int: {
      const Value value = a();
      if (value.kind == Kind::integer) return value;
      return value.kind == Kind::number ? whole(value.number) : refused(value);
    }
    case Op::to_double: {
      const Value value = a();
      return numeric(value) ? of(as_double(value)) : refused(value);
    }
  }
  return error("no such overload");
}

}  // namespace pointsman
