#include "pointsman/config/duration.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "pointsman/config/node.h"

namespace pointsman {
namespace {

constexpr std::uint64_t kMax = 1ULL << 63U;  // size of the most negative duration
constexpr std::uint64_t kSecond = 1'000'000'000;

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 8> kUnits = {{
    {"ns", 1},
    {"us", 1'000},
    {"\xC2\xB5s", 1'000},  // micro sign
    {"\xCE\xBCs", 1'000},  // Greek mu
    {"ms", 1'000'000},
    {"s", kSecond},
    {"m", 60 * kSecond},
    {"h", 3600 * kSecond},
}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes the digits at the start of `text`; none if they exceed 2^63.
std::optional<std::uint64_t> take_whole(std::string_view& text) {
  std::uint64_t value = 0;
  while (!text.empty() && is_digit(text.front())) {
    if (value > kMax / 10) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(text.front() - '0');
    if (value > kMax) return std::nullopt;
    text.remove_prefix(1);
  }
  return value;
}

// Takes the digits after a point as a fraction of 1; those beyond 18 are too small to matter.
double take_fraction(std::string_view& text) {
  double value = 0.0;
  double scale = 1.0;
  for (int taken = 0; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++taken) {
    if (taken >= 18) continue;
    value = value * 10 + (text.front() - '0');
    scale *= 10;
  }
  return value / scale;
}

std::optional<std::uint64_t> unit_size(std::string_view name) {
  for (const auto& [unit, size] : kUnits) {
    if (unit == name) return size;
  }
  return std::nullopt;
}

// Takes one number with its unit, in nanoseconds. The error is what Go says in front of the text.
std::expected<std::uint64_t, std::string> take_part(std::string_view& text) {
  const std::string invalid = "time: invalid duration ";
  if (text.front() != '.' && !is_digit(text.front())) return std::unexpected(invalid);
  const std::size_t before = text.size();
  const auto whole = take_whole(text);
  if (!whole) return std::unexpected(invalid);
  bool digits = text.size() != before;
  double fraction = 0.0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const std::size_t point = text.size();
    fraction = take_fraction(text);
    digits = digits || text.size() != point;
  }
  if (!digits) return std::unexpected(invalid);

  std::size_t length = 0;
  while (length < text.size() && text[length] != '.' && !is_digit(text[length])) ++length;
  if (length == 0) return std::unexpected("time: missing unit in duration ");
  const std::string_view name = text.substr(0, length);
  text.remove_prefix(length);
  const auto unit = unit_size(name);
  if (!unit) return std::unexpected("time: unknown unit " + in_quotes(name) + " in duration ");
  if (*whole > kMax / *unit) return std::unexpected(invalid);
  return *whole * *unit + static_cast<std::uint64_t>(fraction * static_cast<double>(*unit));
}

// `value` / `unit` with the fraction's trailing zeros removed.
std::string decimal(std::uint64_t value, std::uint64_t unit) {
  const std::string out = std::to_string(value / unit);
  std::string fraction = std::to_string(value % unit + unit).substr(1);
  while (fraction.ends_with('0')) fraction.pop_back();
  return fraction.empty() ? out : out + "." + fraction;
}

}  // namespace

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  std::string_view rest = text;
  const auto wrong = [&](std::string_view what) {
    return fail(Code::invalid_config, std::string(what) + in_quotes(text));
  };
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return std::chrono::nanoseconds(0);
  if (rest.empty()) return wrong("time: invalid duration ");
  std::uint64_t total = 0;
  while (!rest.empty()) {
    const auto part = take_part(rest);
    if (!part) return wrong(part.error());
    total += *part;
    if (*part > kMax || total > kMax) return wrong("time: invalid duration ");
  }
  if (negative) return std::chrono::nanoseconds(static_cast<std::int64_t>(~total + 1));
  if (total == kMax) return wrong("time: invalid duration ");
  return std::chrono::nanoseconds(static_cast<std::int64_t>(total));
}

std::string format_duration(std::chrono::nanoseconds value) {
  const std::int64_t count = value.count();
  if (count == 0) return "0s";
  const std::string sign = count < 0 ? "-" : "";
  const auto size =
      count < 0 ? ~static_cast<std::uint64_t>(count) + 1 : static_cast<std::uint64_t>(count);
  if (size < 1'000) return sign + std::to_string(size) + "ns";
  if (size < 1'000'000) return sign + decimal(size, 1'000) + "\xC2\xB5s";
  if (size < kSecond) return sign + decimal(size, 1'000'000) + "ms";
  const std::uint64_t minutes = size / (60 * kSecond);
  std::string out = decimal(size % (60 * kSecond), kSecond) + "s";
  if (minutes > 0) out = std::to_string(minutes % 60) + "m" + out;
  if (minutes >= 60) out = std::to_string(minutes / 60) + "h" + out;
  return sign + out;
}

}  // namespace pointsman
