// From the text of a UsageExpression to its nodes: recursive descent, one function per level of
// CEL's grammar.

#include <array>
#include <utility>

#include "pointsman/base/text.h"
#include "pointsman/plugins/hooks/usage_expression.h"

namespace pointsman {
namespace {

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

class UsageExpressionParser {
 public:
  explicit UsageExpressionParser(std::string_view text) : text_(text) {}

  Result<UsageExpression> run() {
    if (text_.size() > UsageExpression::kLongest) {
      return fail(Code::invalid_config, "ERROR: <input>:1:1: more than 4096 bytes");
    }
    const auto root = ternary();
    blanks();
    if (root && at_ < text_.size()) unexpected_here();
    if (!problem_.empty()) return fail(Code::invalid_config, std::move(problem_));
    out_.root_ = *root;
    return std::move(out_);
  }

 private:
  using Op = UsageExpression::Op;
  using Node = UsageExpression::Node;
  using At = std::optional<std::uint16_t>;
  struct Operator {
    std::string_view text;
    Op op;
  };

  // Reports the first problem; gives nothing.
  std::nullopt_t problem(std::size_t at, std::string_view text) {
    if (problem_.empty()) {
      problem_ = "ERROR: <input>:1:" + std::to_string(at + 1) + ": " + std::string(text);
    }
    return std::nullopt;
  }
  std::nullopt_t unexpected_here() {
    blanks();
    if (at_ >= text_.size()) return problem(at_, "Syntax error: unexpected end of expression");
    return problem(at_, "Syntax error: unexpected '" + std::string(text_.substr(at_, 1)) + "'");
  }

  void blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n\f").contains(text_[at_])) ++at_;
  }
  // Where the next token stands.
  std::size_t here() {
    blanks();
    return at_;
  }
  bool take(std::string_view token) {
    blanks();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  // A word, if one stands here.
  std::string_view word() {
    blanks();
    const std::size_t begin = at_;
    if (at_ < text_.size() && letter(text_[at_])) {
      while (at_ < text_.size() && (letter(text_[at_]) || digit(text_[at_]))) ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }

  At add(Node node) {
    out_.nodes_.push_back(std::move(node));
    return static_cast<std::uint16_t>(out_.nodes_.size() - 1);  // kLongest bounds their number
  }
  // An operation; `at`: where its operator stands.
  At add(Op op, std::size_t at, At a, At b = 0, At c = 0) {
    if (!a || !b || !c) return std::nullopt;
    return add({.op = op, .a = *a, .b = *b, .c = *c, .column = static_cast<std::uint16_t>(at + 1)});
  }

  // Each nested part takes a level until it has been read.
  class Level {
   public:
    explicit Level(int& depth) : depth_(depth) { ++depth_; }
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    int& depth_;
  };

  At ternary() {
    const Level level(depth_);
    if (depth_ > UsageExpression::kDeepest) return problem(at_, "nested too deeply");
    const At condition = either();
    const std::size_t begin = here();
    if (!condition || !take("?")) return condition;
    const At yes = either();
    if (!yes) return yes;
    if (!take(":")) return unexpected_here();
    return add(Op::choose, begin, condition, yes, ternary());
  }

  // left OP left OP ..., grouped from the left.
  template <std::size_t N, typename Next>
  At chain(const std::array<Operator, N>& operators, const Next& next) {
    At left = next();
    for (bool more = true; more && left;) {
      more = false;
      const std::size_t begin = here();
      for (const Operator& each : operators) {
        if (!take(each.text)) continue;
        left = deepen(add(each.op, begin, left, next()));
        more = true;
        break;
      }
    }
    return left;
  }
  // A chain is a tree as deep as it is long.
  At deepen(At node) {
    if (node && ++chained_ > kMostChained) return problem(at_, "too many operators");
    return node;
  }

  At either() {
    return chain(std::array<Operator, 1>{{{"||", Op::either}}}, [&] { return both(); });
  }
  At both() {
    return chain(std::array<Operator, 1>{{{"&&", Op::both}}}, [&] { return relation(); });
  }
  At relation() {
    return chain(std::array<Operator, 6>{{{"<=", Op::less_equal},
                                          {">=", Op::greater_equal},
                                          {"==", Op::equal},
                                          {"!=", Op::unequal},
                                          {"<", Op::less},
                                          {">", Op::greater}}},
                 [&] { return sum(); });
  }
  At sum() {
    return chain(std::array<Operator, 2>{{{"+", Op::add}, {"-", Op::subtract}}},
                 [&] { return product(); });
  }
  At product() {
    return chain(
        std::array<Operator, 3>{{{"*", Op::multiply}, {"/", Op::divide}, {"%", Op::modulo}}},
        [&] { return unary(); });
  }

  At unary() {
    const Level level(depth_);
    if (depth_ > UsageExpression::kDeepest) return problem(at_, "nested too deeply");
    const std::size_t begin = here();
    if (take("!")) return add(Op::invert, begin, unary());
    if (take("-")) return add(Op::negate, begin, unary());
    return postfix();
  }

  At postfix() {
    At object = primary();
    while (object) {
      std::string field;
      const std::size_t begin = here();
      if (take(".")) {
        field = word();
        if (field.empty()) return unexpected_here();
        if (take("(")) return problem(at_ - 1, "methods such as " + field + "() are not supported");
      } else if (take("[")) {
        blanks();
        const At key = quoted();
        if (!key) return unexpected_here();
        if (!take("]")) return unexpected_here();
        field = out_.nodes_[*key].text;
      } else {
        break;
      }
      object = deepen(add(Op::select, begin, object));
      if (object) out_.nodes_[*object].text = std::move(field);
    }
    return object;
  }

  At primary() {
    blanks();
    if (take("(")) {
      const At inner = ternary();
      if (inner && !take(")")) return unexpected_here();
      return inner;
    }
    if (at_ >= text_.size()) return unexpected_here();
    if (text_[at_] == '"' || text_[at_] == '\'') return quoted();
    if (digit(text_[at_]) || text_[at_] == '.') return number();
    const std::size_t begin = at_;
    const std::string_view name = word();
    if (name.empty()) return unexpected_here();
    if (name == "true" || name == "false") {
      return add({.op = Op::boolean, .boolean = name == "true"});
    }
    if (take("(")) return call(name, begin);
    if (name == "usage") return add({.op = Op::usage});
    return problem(begin, "undeclared reference to '" + std::string(name) + "' (in container '')");
  }

  At call(std::string_view name, std::size_t begin) {
    if (name != "has" && name != "int" && name != "double") {
      return problem(begin, "undeclared reference to '" + std::string(name) +
                                "' (in container ''): only has, int and double are supported");
    }
    const At argument = ternary();
    if (!argument) return argument;
    if (!take(")")) return unexpected_here();
    if (name == "int") return add(Op::to_int, begin, argument);
    if (name == "double") return add(Op::to_double, begin, argument);
    if (out_.nodes_[*argument].op != Op::select) {
      return problem(begin, "invalid argument to has() macro");
    }
    out_.nodes_[*argument].op = Op::has;
    return argument;
  }

  At number() {
    const std::size_t begin = at_;
    const bool hex = text_.substr(at_).starts_with("0x") || text_.substr(at_).starts_with("0X");
    bool whole = true;
    at_ += hex ? 2 : 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      const bool exponent = !hex && (c == 'e' || c == 'E');
      if ((!hex && c == '.') || exponent) whole = false;
      if (exponent && at_ + 1 < text_.size() && (text_[at_ + 1] == '-' || text_[at_ + 1] == '+')) {
        ++at_;
      } else if (!digit(c) && !letter(c) && c != '.') {
        break;
      }
    }
    const std::string_view digits =
        text_.substr(begin + (hex ? 2 : 0), at_ - begin - (hex ? 2 : 0));
    if (whole) {
      const auto value = number_in<std::int64_t>(digits, hex ? 16 : 10);
      if (value) return add({.op = Op::integer, .integer = *value});
    } else if (const auto value = number_in<double>(digits)) {
      return add({.op = Op::number, .number = *value});
    }
    return problem(begin, "Syntax error: invalid number '" +
                              std::string(text_.substr(begin, at_ - begin)) + "'");
  }

  // A text in either kind of quotes, with the simple escapes.
  At quoted() {
    if (at_ >= text_.size() || (text_[at_] != '"' && text_[at_] != '\'')) return std::nullopt;
    const std::size_t begin = at_;
    const char quote = text_[at_++];
    Node node{.op = Op::text};
    for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
      char c = text_[at_];
      if (c == '\\') {
        constexpr std::string_view kNames = "\\\"'`?nrtabfv";
        constexpr std::string_view kMeant = "\\\"'`?\n\r\t\a\b\f\v";
        const std::size_t which =
            at_ + 1 < text_.size() ? kNames.find(text_[at_ + 1]) : std::string_view::npos;
        if (which == std::string_view::npos) {
          return problem(at_, "Syntax error: this escape is not supported");
        }
        c = kMeant[which];
        ++at_;
      }
      node.text += c;
    }
    if (at_ >= text_.size()) return problem(begin, "Syntax error: a quote is not closed");
    ++at_;
    return add(std::move(node));
  }

  static constexpr int kMostChained = 200;

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int chained_ = 0;
  std::string problem_;
  UsageExpression out_;
};

Result<UsageExpression> UsageExpression::compile(std::string_view text) {
  auto parsed = UsageExpressionParser(text).run();
  if (!parsed) return parsed;
  if (auto fits = parsed->check_types(); !fits) return std::unexpected(std::move(fits).error());
  return parsed;
}

}  // namespace pointsman
