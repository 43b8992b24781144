#include "pointsman/base/json_escape.h"

#include <algorithm>

#include "pointsman/base/text.h"
#include "pointsman/base/utf8.h"

namespace pointsman {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::size_t kUnitLength = 6;  // \uXXXX

// The UTF-16 unit of a \uXXXX sequence.
char32_t unit_at(std::string_view text) {
  char32_t unit = 0;
  for (std::size_t i = 2; i < kUnitLength; ++i)
    unit = (unit << 4U) | hex_value(text[i]).value_or(0);
  return unit;
}

bool is_high(char32_t unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}
bool is_low(char32_t unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

// Whether another \uXXXX follows. What follows a valid sequence need not be valid yet.
bool starts_unit(std::string_view text) {
  if (text.size() < kUnitLength || text[0] != '\\' || text[1] != 'u') return false;
  for (std::size_t i = 2; i < kUnitLength; ++i) {
    if (!hex_value(text[i])) return false;
  }
  return true;
}

}  // namespace

JsonEscape read_escape(std::string_view text) {
  if (const char plain = plain_escape(text[1]); plain != '\0') {
    return {static_cast<char32_t>(plain), 2};
  }
  const char32_t unit = unit_at(text);
  if (!is_high(unit) && !is_low(unit)) return {unit, kUnitLength};
  const std::string_view rest = text.substr(kUnitLength);
  if (is_high(unit) && starts_unit(rest)) {
    const char32_t low = unit_at(rest);
    if (is_low(low)) {
      return {0x10000 + ((unit - 0xD800) << 10U) + (low - 0xDC00), 2 * kUnitLength};
    }
  }
  return {kReplacement, kUnitLength};
}

char* write_unescaped(std::string_view raw, char* out) {
  for (std::size_t at = raw.find('\\'); at != std::string_view::npos; at = raw.find('\\')) {
    out = std::ranges::copy(raw.substr(0, at), out).out;
    const JsonEscape escape = read_escape(raw.substr(at));
    out = write_utf8(escape.point, out);
    raw.remove_prefix(at + escape.length);
  }
  return std::ranges::copy(raw, out).out;
}

std::string_view unescaped(std::string_view raw, Arena& arena) {
  if (!raw.contains('\\')) return raw;
  char* const begin = static_cast<char*>(arena.allocate(raw.size(), 1));
  return {begin, static_cast<std::size_t>(write_unescaped(raw, begin) - begin)};
}

std::string_view valid_utf8(std::string_view text, Arena& arena) {
  std::size_t good = utf8_run(text);
  if (good == text.size()) return text;
  char* const begin = static_cast<char*>(arena.allocate(3 * text.size(), 1));
  char* out = begin;
  while (true) {
    out = std::ranges::copy(text.substr(0, good), out).out;
    if (good == text.size()) break;
    out = write_utf8(kReplacement, out);
    text.remove_prefix(good + 1);
    good = utf8_run(text);
  }
  return {begin, static_cast<std::size_t>(out - begin)};
}

}  // namespace pointsman
