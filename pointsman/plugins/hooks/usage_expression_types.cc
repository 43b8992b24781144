// Which operations of a UsageExpression can be seen to fail whatever the counts are: CEL's checker,
// as far as the subset needs it. What stands in the counts may be of any type to it.

#include <string>
#include <string_view>
#include <vector>

#include "pointsman/plugins/hooks/usage_expression.h"

namespace pointsman {

class UsageExpressionTypes {
 public:
  using Op = UsageExpression::Op;
  using Node = UsageExpression::Node;

  explicit UsageExpressionTypes(const std::vector<Node>& nodes) { types_.reserve(nodes.size()); }

  // Takes the next node; its operands were taken before. What is wrong with it; empty: nothing.
  std::string take(const Node& node) {
    const bool operation = node.column > 0;
    types_.push_back(operation ? of_operation(node) : of_value(node.op));
    return types_.back() == 0 ? refusal(node) : std::string();
  }

 private:
  // What a value may be, as bits; none: there is no such value.
  using Types = unsigned;
  static constexpr Types kBoolean = 1;
  static constexpr Types kInteger = 2;
  static constexpr Types kNumber = 4;
  static constexpr Types kText = 8;
  static constexpr Types kMap = 16;
  static constexpr Types kAny = 31;
  static constexpr Types kNumeric = kInteger | kNumber;

  static Types of_value(Op op) {
    switch (op) {
      case Op::boolean:
        return kBoolean;
      case Op::integer:
        return kInteger;
      case Op::number:
        return kNumber;
      case Op::text:
        return kText;
      default:
        return kMap;
    }
  }

  Types of_operation(const Node& node) const {
    const Types a = types_[node.a];
    const Types b = types_[node.b];
    const auto when = [](bool fits, Types type) { return fits ? type : Types{0}; };
    const auto comparable = [&](Types wanted) {  // as numbers of both kinds are
      return (a & b & wanted) != 0 || ((a & kNumeric) != 0 && (b & kNumeric) != 0);
    };
    switch (node.op) {
      case Op::select:
        return when((a & kMap) != 0, kAny);
      case Op::has:
        return when((a & kMap) != 0, kBoolean);
      case Op::negate:
        return a & kNumeric;
      case Op::invert:
        return a & kBoolean;
      case Op::multiply:
      case Op::divide:
      case Op::subtract:
        return a & b & kNumeric;
      case Op::modulo:
        return a & b & kInteger;
      case Op::add:
        return a & b & (kNumeric | kText);
      case Op::equal:
      case Op::unequal:
        return when(comparable(kAny), kBoolean);
      case Op::both:
      case Op::either:
        return a & b & kBoolean;
      case Op::choose:
        return when((a & kBoolean) != 0, b | types_[node.c]);
      case Op::to_int:
        return when((a & (kNumeric | kText)) != 0, kInteger);
      case Op::to_double:
        return when((a & (kNumeric | kText)) != 0, kNumber);
      default:
        return when(comparable(kAny & ~kMap), kBoolean);
    }
  }

  std::string refusal(const Node& node) const {
    const std::string a(name_of(types_[node.a]));
    if (node.op == Op::select || node.op == Op::has) {
      return "type '" + a + "' does not support field selection";
    }
    std::string operands = a;
    if (node.b > 0) operands += ", " + std::string(name_of(types_[node.b]));
    if (node.c > 0) operands += ", " + std::string(name_of(types_[node.c]));
    return "found no matching overload for '" + std::string(name_of(node.op)) + "' applied to '(" +
           operands + ")'";
  }

  static std::string_view name_of(Types types) {
    switch (types) {
      case kBoolean:
        return "bool";
      case kInteger:
        return "int";
      case kNumber:
        return "double";
      case kText:
        return "string";
      case kMap:
        return "map(string, dyn)";
      default:
        return "dyn";
    }
  }

  static std::string_view name_of(Op op) {
    switch (op) {
      case Op::negate:
        return "-_";
      case Op::invert:
        return "!_";
      case Op::multiply:
        return "_*_";
      case Op::divide:
        return "_/_";
      case Op::modulo:
        return "_%_";
      case Op::add:
        return "_+_";
      case Op::subtract:
        return "_-_";
      case Op::less:
        return "_<_";
      case Op::less_equal:
        return "_<=_";
      case Op::greater:
        return "_>_";
      case Op::greater_equal:
        return "_>=_";
      case Op::equal:
        return "_==_";
      case Op::unequal:
        return "_!=_";
      case Op::both:
        return "_&&_";
      case Op::either:
        return "_||_";
      case Op::choose:
        return "_?_:_";
      case Op::to_int:
        return "int";
      case Op::to_double:
        return "double";
      default:
        return "_._";
    }
  }

  std::vector<Types> types_;  // of the nodes taken
};

Result<void> UsageExpression::check_types() const {
  UsageExpressionTypes types(nodes_);
  for (const Node& node : nodes_) {
    const std::string wrong = types.take(node);
    if (wrong.empty()) continue;
    return fail(Code::invalid_config,
                "ERROR: <input>:1:" + std::to_string(node.column) + ": " + wrong);
  }
  return {};
}

}  // namespace pointsman
