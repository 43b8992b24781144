#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

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

// The number that the whole of `text` is, nothing when it is none or T cannot hold it: no blanks,
// no plus sign, and a minus sign only where T has one.
template <std::integral T>
std::optional<T> number_in(std::string_view text, int base = 10) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}
template <std::floating_point T>
std::optional<T> number_in(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

// Takes what stands before the first `separator` off the front of `list`, and the separator with
// it; everything when there is none.
//
//   while (!list.empty()) use(trim(take_part(list, ',')));
inline std::string_view take_part(std::string_view& list, char separator) {
  const std::size_t end = std::min(list.find(separator), list.size());
  const std::string_view part = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  return part;
}

// The value of a hexadecimal digit, if it is one.
constexpr std::optional<unsigned> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// `text` without percent-encoding (RFC 3986 2.1); what is malformed stays as it is.
inline std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto high = hex_value(text[i + 1]);
      const auto low = hex_value(text[i + 2]);
      if (high && low) {
        out += static_cast<char>(*high * 16 + *low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
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

// Whether `part` stands somewhere in `text`, however that is capitalised. REQUIRES: `part` is in
// lower case.
inline bool contains_any_case(std::string_view text, std::string_view part) {
  const auto same = [](char a, char b) { return to_lower(a) == b; };
  return std::ranges::search(text, part, same).begin() != text.end() || part.empty();
}

}  // namespace pointsman
