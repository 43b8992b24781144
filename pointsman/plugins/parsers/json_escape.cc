#include "pointsman/plugins/parsers/json_escape.h"

#include <cstring>

namespace pointsman {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::size_t kUnitLength = 6;  // \uXXXX

unsigned hex_digit(char c) {
  if (c <= '9') return static_cast<unsigned>(c - '0');
  return static_cast<unsigned>((c | 0x20) - 'a') + 10U;
}

// The UTF-16 unit of a \uXXXX sequence.
char32_t unit_at(std::string_view text) {
  char32_t unit = 0;
  for (std::size_t i = 2; i < kUnitLength; ++i) unit = (unit << 4U) | hex_digit(text[i]);
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
    const char c = text[i];
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) return false;
  }
  return true;
}

// Length of the valid UTF-8 character at the front, 0 when there is none (Unicode 15, table 3-7).
std::size_t character_length(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto between = [](unsigned value, unsigned low, unsigned high) {
    return value >= low && value <= high;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const bool second = between(byte(1), 0x80, 0xBF);
  const bool third = between(byte(2), 0x80, 0xBF);
  if (between(lead, 0xC2, 0xDF)) return second ? 2 : 0;
  if (lead == 0xE0) return between(byte(1), 0xA0, 0xBF) && third ? 3 : 0;
  if (lead == 0xED) return between(byte(1), 0x80, 0x9F) && third ? 3 : 0;
  if (between(lead, 0xE1, 0xEF)) return second && third ? 3 : 0;
  const bool fourth = between(byte(3), 0x80, 0xBF);
  if (lead == 0xF0) return between(byte(1), 0x90, 0xBF) && third && fourth ? 4 : 0;
  if (lead == 0xF4) return between(byte(1), 0x80, 0x8F) && third && fourth ? 4 : 0;
  return between(lead, 0xF1, 0xF3) && second && third && fourth ? 4 : 0;
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

char* write_utf8(char32_t point, char* out) {
  const auto put = [&out](char32_t byte) { *out++ = static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0U | (point >> 6U));
    put(0x80U | (point & 0x3FU));
  } else if (point < 0x10000) {
    put(0xE0U | (point >> 12U));
    put(0x80U | ((point >> 6U) & 0x3FU));
    put(0x80U | (point & 0x3FU));
  } else {
    put(0xF0U | (point >> 18U));
    put(0x80U | ((point >> 12U) & 0x3FU));
    put(0x80U | ((point >> 6U) & 0x3FU));
    put(0x80U | (point & 0x3FU));
  }
  return out;
}

std::string_view unescaped(std::string_view raw, Arena& arena) {
  std::size_t at = raw.find('\\');
  if (at == std::string_view::npos) return raw;
  char* const begin = static_cast<char*>(arena.allocate(raw.size(), 1));
  char* out = begin;
  while (at != std::string_view::npos) {
    std::memcpy(out, raw.data(), at);
    out += at;
    const JsonEscape escape = read_escape(raw.substr(at));
    out = write_utf8(escape.point, out);
    raw.remove_prefix(at + escape.length);
    at = raw.find('\\');
  }
  std::memcpy(out, raw.data(), raw.size());
  out += raw.size();
  return {begin, static_cast<std::size_t>(out - begin)};
}

std::string_view valid_utf8(std::string_view text, Arena& arena) {
  std::size_t good = 0;
  const auto run = [&text, &good] {
    while (good < text.size()) {
      const std::size_t length = character_length(text.substr(good));
      if (length == 0) break;
      good += length;
    }
  };
  run();
  if (good == text.size()) return text;
  char* const begin = static_cast<char*>(arena.allocate(3 * text.size(), 1));
  char* out = begin;
  while (true) {
    std::memcpy(out, text.data(), good);
    out += good;
    if (good == text.size()) break;
    out = write_utf8(kReplacement, out);
    text.remove_prefix(good + 1);
    good = 0;
    run();
  }
  return {begin, static_cast<std::size_t>(out - begin)};
}

}  // namespace pointsman
