#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pointsman {

// `text` without the characters of `blanks` at both ends.
inline std::string_view trim(std::string_view text, std::string_view blanks = " \t") {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Everything that C's isspace() calls blank.
inline constexpr std::string_view kAnyBlank = " \t\r\n\f\v";

// Those that part words and lines.
inline constexpr std::string_view kLineBlank = " \t\r\n";

// The value of a hexadecimal digit, if it is one.
constexpr std::optional<unsigned> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// ASCII letters to lower case; other bytes stay.
inline char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
inline std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower(c);
  return out;
}

}  // namespace pointsman
