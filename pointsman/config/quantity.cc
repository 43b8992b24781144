#include "pointsman/config/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace pointsman {
namespace {

constexpr std::size_t kLongest = 64;
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::string_view kFormat =
    "quantities must match the regular expression "
    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct Scale {
  int base = 10;  // 10 or 2
  int exponent = 0;
};

constexpr std::array<std::pair<std::string_view, Scale>, 16> kSuffixes = {{
    {"", {10, 0}},
    {"n", {10, -9}},
    {"u", {10, -6}},
    {"m", {10, -3}},
    {"k", {10, 3}},
    {"M", {10, 6}},
    {"G", {10, 9}},
    {"T", {10, 12}},
    {"P", {10, 15}},
    {"E", {10, 18}},
    {"Ki", {2, 10}},
    {"Mi", {2, 20}},
    {"Gi", {2, 30}},
    {"Ti", {2, 40}},
    {"Pi", {2, 50}},
    {"Ei", {2, 60}},
}};

// The parts of `-12.50Gi`: sign, 12, 50, Gi. Leading zeros of the whole part are dropped.
struct Parts {
  bool negative = false;
  std::string whole;
  std::string fraction;
  std::string_view suffix;
};

std::string take_digits(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && is_digit(text[length])) ++length;
  std::string digits(text.substr(0, length));
  text.remove_prefix(length);
  return digits;
}

bool well_formed(std::string_view suffix) {
  const std::size_t letters = suffix.find_first_not_of("eEinumkKMGTP");
  if (letters == std::string_view::npos) return true;
  std::string_view digits = suffix.substr(letters);
  if (digits.front() == '-' || digits.front() == '+') digits.remove_prefix(1);
  return std::ranges::all_of(digits, is_digit);
}

std::optional<Parts> split(std::string_view text) {
  Parts parts;
  if (text.starts_with('-') || text.starts_with('+')) {
    parts.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  parts.whole = take_digits(text);
  bool digits = !parts.whole.empty();
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    parts.fraction = take_digits(text);
    digits = digits || !parts.fraction.empty();
  }
  if (!digits || !well_formed(text)) return std::nullopt;
  parts.whole.erase(0, parts.whole.find_first_not_of('0'));
  parts.suffix = text;
  return parts;
}

std::optional<Scale> scale_of(std::string_view suffix) {
  for (const auto& [name, scale] : kSuffixes) {
    if (name == suffix) return scale;
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  std::string_view digits = suffix.substr(1);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int exponent = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (end != digits.data() + digits.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) exponent = digits.starts_with('-') ? -1000 : 1000;
  // Beyond these every amount is the largest or the smallest there is.
  return Scale{.base = 10, .exponent = std::clamp(exponent, -200, 200)};
}

// Doubles a number of decimal digits, in place.
void double_digits(std::string& digits) {
  int carry = 0;
  for (std::size_t i = digits.size(); i-- > 0;) {
    const int value = (digits[i] - '0') * 2 + carry;
    digits[i] = static_cast<char>('0' + value % 10);
    carry = value / 10;
  }
  if (carry > 0) digits.insert(digits.begin(), static_cast<char>('0' + carry));
}

// `digits` * 10^-`places`, rounded up, saturating.
std::int64_t rounded_up(std::string digits, int places) {
  bool rest = false;
  if (places < 0) digits.append(static_cast<std::size_t>(-places), '0');
  for (; places > 0; --places) {
    if (digits.empty()) break;
    rest = rest || digits.back() != '0';
    digits.pop_back();
  }
  std::int64_t value = 0;
  for (const char c : digits) {
    if (value > (kMax - (c - '0')) / 10) return kMax;
    value = value * 10 + (c - '0');
  }
  return rest && value < kMax ? value + 1 : value;
}

// Whether Kubernetes keeps the amount in its int64 form with a whole value; its size strings
// (spec/02 section 7.3) accept only those.
bool converts_exactly(const Parts& parts, const Scale& scale, std::int64_t value) {
  const auto whole = static_cast<int>(parts.whole.size());
  const auto fraction = static_cast<int>(parts.fraction.size());
  if (parts.whole.empty() && fraction == 0) return true;  // zero
  if (value == kMax) return false;
  if (scale.base == 10) return whole + fraction <= 18 && scale.exponent >= fraction;
  // An estimate of the decimal digits that the binary suffix needs, as the library makes it.
  const int needed = static_cast<int>(static_cast<float>(scale.exponent) * 3 / 10);
  return fraction == 0 && 15 - whole - needed - 1 >= 0;
}

}  // namespace

Result<Quantity> parse_quantity(std::string_view text) {
  const auto parts = split(text);
  if (text.size() > kLongest || !parts) return fail(Code::invalid_config, std::string(kFormat));
  const auto scale = scale_of(parts->suffix);
  if (!scale) return fail(Code::invalid_config, "unable to parse quantity's suffix");

  std::string digits = parts->whole + parts->fraction;
  int places = static_cast<int>(parts->fraction.size());
  if (scale->base == 10) {
    places -= scale->exponent;
  } else {
    for (int i = 0; i < scale->exponent; ++i) double_digits(digits);
  }
  const std::int64_t size = rounded_up(std::move(digits), places);
  Quantity quantity{.text = std::string(text), .value = parts->negative ? -size : size};
  if (converts_exactly(*parts, *scale, size)) quantity.exact = quantity.value;
  return quantity;
}

}  // namespace pointsman
