#include "pointsman/config/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

constexpr std::string_view kStandard = "tag:yaml.org,2002:";

constexpr std::array<std::string_view, 11> kTrue = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                                    "True", "TRUE", "on",  "On",  "ON"};
constexpr std::array<std::string_view, 11> kFalse = {"n",     "N",     "no",  "No",  "NO", "false",
                                                     "False", "FALSE", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 3> kNan = {".nan", ".NaN", ".NAN"};
constexpr std::array<std::string_view, 3> kInfinity = {".inf", ".Inf", ".INF"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& words, std::string_view text) {
  return std::ranges::find(words, text) != words.end();
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Base and digits of `0x10`, `0b11`, `0o17`, `010` and `12`.
std::pair<int, std::string_view> split_base(std::string_view digits) {
  if (digits.size() < 2 || digits[0] != '0') return {10, digits};
  switch (digits[1]) {
    case 'x':
    case 'X':
      return {16, digits.substr(2)};
    case 'b':
    case 'B':
      return {2, digits.substr(2)};
    case 'o':
    case 'O':
      return {8, digits.substr(2)};
    default:
      return {8, digits.substr(1)};
  }
}

// An integer with an optional sign and base prefix; none if it is no integer or needs more than
// 64 bits.
std::optional<std::int64_t> integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto [base, digits] = split_base(text);
  const auto read = number_in<std::uint64_t>(digits, base);
  if (!read) return std::nullopt;
  const std::uint64_t size = *read;
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (negative) {
    if (size > kMax + 1) return std::nullopt;
    return static_cast<std::int64_t>(~size + 1);
  }
  if (size > kMax) return std::nullopt;
  return static_cast<std::int64_t>(size);
}

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_floating(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const std::size_t whole = skip_digits(text, 0);
  std::size_t at = whole;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = skip_digits(text, at + 1);
    if (whole == 0 && fraction == at + 1) return false;
    at = fraction;
  } else if (whole == 0) {
    return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    const std::size_t exponent = skip_digits(text, at);
    if (exponent == at) return false;
    at = exponent;
  }
  return at == text.size();
}

std::optional<double> floating(std::string_view text) {
  if (!looks_floating(text)) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  return number_in<double>(text);
}

std::optional<double> special(std::string_view text) {
  if (contains(kNan, text)) return std::numeric_limits<double>::quiet_NaN();
  if (contains(kInfinity, text)) return std::numeric_limits<double>::infinity();
  if (text.size() > 1 && contains(kInfinity, text.substr(1))) {
    if (text.front() == '+') return std::numeric_limits<double>::infinity();
    if (text.front() == '-') return -std::numeric_limits<double>::infinity();
  }
  return std::nullopt;
}

void resolve_number(std::string_view text, Node& node) {
  if (const auto value = special(text)) {
    node.kind = Node::Kind::floating;
    node.number = *value;
    return;
  }
  const char first = text.front();
  const bool numeric = is_digit(first) || first == '-' || first == '+' || first == '.';
  if (!numeric) return;
  std::string plain(text);
  if (first != '.') std::erase(plain, '_');
  if (const auto value = integer(plain); value && first != '.') {
    node.kind = Node::Kind::integer;
    node.integer = *value;
    node.number = static_cast<double>(*value);
  } else if (const auto real = floating(plain)) {
    node.kind = Node::Kind::floating;
    node.number = *real;
  }
}

}  // namespace

void resolve_plain(std::string text, Node& node) {
  node.kind = Node::Kind::string;
  if (contains(kNull, text)) {
    node.kind = Node::Kind::null;
  } else if (contains(kTrue, text) || contains(kFalse, text)) {
    node.kind = Node::Kind::boolean;
    node.boolean = contains(kTrue, text);
  } else {
    resolve_number(text, node);
  }
  node.text = std::move(text);
}

bool resolve_scalar(std::string_view tag, std::string text, Node& node) {
  if (tag == "?") {
    resolve_plain(std::move(text), node);
    return true;
  }
  std::string_view name;
  if (tag.starts_with(kStandard)) name = tag.substr(kStandard.size());
  if (name == "binary") return false;
  if (name != "null" && name != "bool" && name != "int" && name != "float") {
    node.kind = Node::Kind::string;
    node.text = std::move(text);
    return true;
  }
  resolve_plain(std::move(text), node);
  switch (node.kind) {
    case Node::Kind::null:
      return name == "null";
    case Node::Kind::boolean:
      return name == "bool";
    case Node::Kind::integer:
      if (name == "float") node.kind = Node::Kind::floating;
      return name == "int" || name == "float";
    case Node::Kind::floating:
      return name == "float";
    default:
      return false;
  }
}

std::string short_tag(std::string_view tag) {
  if (!tag.starts_with(kStandard)) return std::string(tag);
  return "!!" + std::string(tag.substr(kStandard.size()));
}

}  // namespace pointsman
