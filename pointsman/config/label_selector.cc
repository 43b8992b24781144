#include "pointsman/config/label_selector.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

constexpr std::size_t kLongestName = 63;
constexpr std::size_t kLongestPrefix = 253;

bool alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// A name or a value: letters and digits at both ends, with - _ . between.
bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && alphanumeric(name.front()) &&
         alphanumeric(name.back()) && std::ranges::all_of(name, [](char c) {
           return alphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}

// A name, after an optional DNS prefix and a slash.
bool good_key(std::string_view key) {
  const std::size_t slash = key.find('/');
  if (slash == std::string_view::npos) return good_name(key);
  const std::string_view prefix = key.substr(0, slash);
  const bool dns = !prefix.empty() && prefix.size() <= kLongestPrefix &&
                   alphanumeric(prefix.front()) && alphanumeric(prefix.back()) &&
                   std::ranges::all_of(prefix, [](char c) {
                     return (alphanumeric(c) && !(c >= 'A' && c <= 'Z')) || c == '-' || c == '.';
                   });
  return dns && good_name(key.substr(slash + 1));
}

}  // namespace

class LabelSelector::Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  Result<LabelSelector> selector() {
    LabelSelector out;
    if (peek().empty()) return out;
    while (true) {
      POINTSMAN_TRY(requirement, next_requirement());
      if (auto good = check(requirement); !good) return std::unexpected(std::move(good).error());
      out.requirements_.push_back(std::move(requirement));
      const std::string_view token = take();
      if (token.empty()) return out;
      if (token != ",") return unexpected(token, "',' or end");
    }
  }

 private:
  static bool special(char c) {
    return std::string_view("=!(),<>").find(c) != std::string_view::npos;
  }
  static bool space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

  // The next token: `==`, `!=`, one special character, a word, or nothing at the end.
  std::string_view peek() {
    while (!rest_.empty() && space(rest_.front())) rest_.remove_prefix(1);
    if (rest_.starts_with("==") || rest_.starts_with("!=")) return rest_.substr(0, 2);
    if (!rest_.empty() && special(rest_.front())) return rest_.substr(0, 1);
    std::size_t length = 0;
    while (length < rest_.size() && !special(rest_[length]) && !space(rest_[length])) ++length;
    return rest_.substr(0, length);
  }
  std::string_view take() {
    const std::string_view token = peek();
    rest_.remove_prefix(token.size());
    return token;
  }
  static bool is_word(std::string_view token) { return !token.empty() && !special(token.front()); }

  static std::unexpected<Error> unexpected(std::string_view found, std::string_view expected) {
    return fail(Code::invalid_config, "unable to parse requirement: found '" + std::string(found) +
                                          "', expected: " + std::string(expected));
  }

  Result<Requirement> next_requirement() {
    Requirement out;
    const bool absent = peek() == "!";
    if (absent) take();
    const std::string_view key = take();
    if (!is_word(key))
      return unexpected(key, absent ? "identifier"
                                    : "!, identifier, or 'end of "
                                      "string'");
    out.key = key;
    if (absent) {
      out.op = Operator::absent;
      return out;
    }
    const std::string_view op = peek();
    if (op.empty() || op == ",") return out;
    take();
    if (op == "=" || op == "==" || op == "!=" || op == ">" || op == "<") {
      out.op = op == "!="  ? Operator::not_in
               : op == ">" ? Operator::greater
               : op == "<" ? Operator::less
                           : Operator::in;
      out.values.emplace_back(is_word(peek()) ? take() : "");
      return out;
    }
    if (op != "in" && op != "notin") {
      return unexpected(op, "in, notin, =, ==, !=, gt, lt");
    }
    out.op = op == "in" ? Operator::in : Operator::not_in;
    return value_list(std::move(out));
  }

  Result<Requirement> value_list(Requirement out) {
    if (const std::string_view open = take(); open != "(") return unexpected(open, "'('");
    while (true) {
      out.values.emplace_back(is_word(peek()) ? take() : "");
      const std::string_view next = take();
      if (next == ")") return out;
      if (next != ",") return unexpected(next, "',' or ')'");
    }
  }

  static Result<void> check(const Requirement& requirement) {
    if (!good_key(requirement.key)) {
      return fail(Code::invalid_config, "key: Invalid value: \"" + requirement.key +
                                            "\": name part must consist of alphanumeric "
                                            "characters, '-', '_' or '.', at most 63 of them");
    }
    const bool number = requirement.op == Operator::greater || requirement.op == Operator::less;
    for (const std::string& value : requirement.values) {
      if (number && !number_in<std::int64_t>(value)) {
        return fail(Code::invalid_config,
                    "values[0]: Invalid value: \"" + value +
                        "\": for 'Gt', 'Lt' operators, the value must be an integer");
      }
      if (!number && !value.empty() && !good_name(value)) {
        return fail(Code::invalid_config, "values[0][" + requirement.key + "]: Invalid value: \"" +
                                              value +
                                              "\": a valid label must be an empty string or "
                                              "consist of alphanumeric characters, '-', '_' or "
                                              "'.', at most 63 of them");
      }
    }
    return {};
  }

  std::string_view rest_;
};

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  return Parser(text).selector();
}

bool LabelSelector::matches(const Labels& labels) const {
  return std::ranges::all_of(requirements_,
                             [&](const Requirement& each) { return holds(each, labels); });
}

bool LabelSelector::holds(const Requirement& requirement, const Labels& labels) {
  const auto found = std::ranges::find(labels, requirement.key, &Labels::value_type::first);
  const bool there = found != labels.end();
  const auto listed = [&] {
    return std::ranges::find(requirement.values, found->second) != requirement.values.end();
  };
  switch (requirement.op) {
    case Operator::exists:
      return there;
    case Operator::absent:
      return !there;
    case Operator::in:
      return there && listed();
    case Operator::not_in:
      return !there || !listed();
    case Operator::greater:
    case Operator::less:
      break;
  }
  if (!there) return false;
  const auto value = number_in<std::int64_t>(found->second);
  const auto bound = number_in<std::int64_t>(requirement.values.front());
  if (!value || !bound) return false;
  return requirement.op == Operator::greater ? *value > *bound : *value < *bound;
}

}  // namespace pointsman
