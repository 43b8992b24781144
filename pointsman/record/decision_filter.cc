#include "pointsman/record/decision_filter.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

constexpr std::size_t kMaxDepth = 32;

bool is_space(char c) {
  return kLineBlank.contains(c);
}
bool in_word(char c) {
  return !is_space(c) && std::string_view("()'\"=!<>~&|").find(c) == std::string_view::npos;
}

}  // namespace

// Recursive descent; the first mistake ends it.
class FilterParser {
 public:
  explicit FilterParser(std::string_view text) : all_(text), left_(text) {}

  Result<DecisionFilter> run() {
    either(0);
    skip();
    if (problem_.empty() && !left_.empty()) wrong("expected `and` or `or`");
    if (!problem_.empty()) return fail(Code::bad_request, problem_);
    return std::move(filter_);
  }

 private:
  using Op = DecisionFilter::Op;

  void either(std::size_t depth) {
    both(depth);
    while (problem_.empty() && (word("or") || sign("||"))) {
      both(depth);
      filter_.program_.push_back(DecisionFilter::kOr);
    }
  }

  void both(std::size_t depth) {
    unary(depth);
    while (problem_.empty() && (word("and") || sign("&&"))) {
      unary(depth);
      filter_.program_.push_back(DecisionFilter::kAnd);
    }
  }

  void unary(std::size_t depth) {
    if (depth > kMaxDepth) return wrong("too deeply nested");
    skip();
    const bool bang = left_.starts_with('!') && !left_.starts_with("!=") && sign("!");
    if (bang || word("not")) {
      unary(depth + 1);
      filter_.program_.push_back(DecisionFilter::kNot);
      return;
    }
    if (sign("(")) {
      either(depth + 1);
      if (problem_.empty() && !sign(")")) wrong("expected `)`");
      return;
    }
    comparison();
  }

  void comparison() {
    if (!problem_.empty()) return;
    if (filter_.terms_.size() >= DecisionFilter::kMaxTerms) return wrong("too many comparisons");
    skip();
    const std::string_view field = take_word();
    if (field.empty()) return wrong("expected a field");
    const auto fact = fact_named(field);
    if (!fact) {
      left_ = all_.substr(static_cast<std::size_t>(field.data() - all_.data()));
      return wrong("there is no field `" + std::string(field) + "`");
    }
    DecisionFilter::Term term{.fact = *fact};
    if (!op(term.op)) return wrong("expected one of = != < <= > >= ~ !~");
    const bool contains = term.op == Op::has || term.op == Op::has_not;
    if (contains && !is_text(*fact)) return wrong("`~` is for texts, not for numbers");
    const bool order = term.op != Op::equal && term.op != Op::not_equal && !contains;
    if (order && is_text(*fact)) return wrong("texts have no order");
    value(term);
    filter_.program_.push_back(static_cast<std::uint8_t>(filter_.terms_.size()));
    filter_.terms_.push_back(std::move(term));
  }

  bool op(Op& out) {
    static constexpr std::array<std::pair<std::string_view, Op>, 9> kOps{{{"==", Op::equal},
                                                                          {"!=", Op::not_equal},
                                                                          {"<=", Op::at_most},
                                                                          {">=", Op::at_least},
                                                                          {"!~", Op::has_not},
                                                                          {"=", Op::equal},
                                                                          {"<", Op::less},
                                                                          {">", Op::more},
                                                                          {"~", Op::has}}};
    for (const auto& [text, kind] : kOps) {
      if (!sign(text)) continue;
      out = kind;
      return true;
    }
    return false;
  }

  void value(DecisionFilter::Term& term) {
    skip();
    const std::string_view at = left_;
    std::string_view text;
    if (left_.starts_with('\'') || left_.starts_with('"')) {
      const std::size_t end = left_.find(left_[0], 1);
      if (end == std::string_view::npos) return wrong("the text has no end");
      text = left_.substr(1, end - 1);
      left_.remove_prefix(end + 1);
    } else {
      text = take_word();
      if (text.empty()) return wrong("expected a value");
    }
    term.text = text;
    if (is_text(term.fact)) return;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), term.number);
    if (error == std::errc() && end == text.data() + text.size()) return;
    left_ = at;
    wrong("`" + std::string(name(term.fact)) + "` is a number");
  }

  void skip() {
    while (!left_.empty() && is_space(left_[0])) left_.remove_prefix(1);
  }
  std::string_view take_word() {
    std::size_t n = 0;
    while (n < left_.size() && in_word(left_[n])) ++n;
    const std::string_view taken = left_.substr(0, n);
    left_.remove_prefix(n);
    return taken;
  }
  bool word(std::string_view wanted) {
    skip();
    const std::string_view before = left_;
    if (take_word() == wanted) return true;
    left_ = before;
    return false;
  }
  bool sign(std::string_view wanted) {
    skip();
    if (!left_.starts_with(wanted)) return false;
    left_.remove_prefix(wanted.size());
    return true;
  }
  void wrong(const std::string& what) {
    if (problem_.empty()) {
      problem_ = what + " at character " + std::to_string(all_.size() - left_.size() + 1);
    }
    left_ = {};
  }

  std::string_view all_;
  std::string_view left_;
  std::string problem_;
  DecisionFilter filter_;
};

Result<DecisionFilter> DecisionFilter::parse(std::string_view text) {
  if (text.size() > kMaxText) return fail(Code::bad_request, "the condition is too long");
  if (trim(text, kLineBlank).empty()) return DecisionFilter();
  return FilterParser(text).run();
}

bool DecisionFilter::holds(const Term& term, const DecisionFacts& facts) {
  if (is_text(term.fact)) {
    const std::string& text = facts.text(term.fact);
    if (term.op == Op::has) return text.find(term.text) != std::string::npos;
    if (term.op == Op::has_not) return text.find(term.text) == std::string::npos;
    return (text == term.text) == (term.op == Op::equal);
  }
  const double number = facts.number(term.fact);
  if (std::isnan(number)) return false;
  switch (term.op) {
    case Op::equal:
      return number == term.number;
    case Op::not_equal:
      return number != term.number;
    case Op::less:
      return number < term.number;
    case Op::at_most:
      return number <= term.number;
    case Op::more:
      return number > term.number;
    case Op::at_least:
      return number >= term.number;
    case Op::has:
    case Op::has_not:
      break;
  }
  return false;
}

bool DecisionFilter::matches(const DecisionFacts& facts) const {
  if (program_.empty()) return true;
  std::array<bool, kMaxTerms + 1> stack{};
  std::size_t top = 0;  // a postfix program never needs more places than it has terms
  for (const std::uint8_t step : program_) {
    if (step == kNot) {
      stack[top - 1] = !stack[top - 1];
    } else if (step == kAnd || step == kOr) {
      --top;
      const bool both = stack[top - 1] && stack[top];
      const bool either = stack[top - 1] || stack[top];
      stack[top - 1] = step == kAnd ? both : either;
    } else {
      stack[top++] = holds(terms_[step], facts);
    }
  }
  return stack[0];
}

}  // namespace pointsman
