#include "pointsman/config/utf8.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pointsman {
namespace {

// Length of the UTF-8 sequence at the start of `text`, or 0 if it is invalid.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  std::size_t length = 0;
  std::uint32_t value = 0;
  std::uint32_t least = 0;  // below it, the form is overlong
  if (lead < 0x80) return 1;
  if ((lead & 0xE0U) == 0xC0) {
    length = 2, value = lead & 0x1FU, least = 0x80;
  } else if ((lead & 0xF0U) == 0xE0) {
    length = 3, value = lead & 0x0FU, least = 0x800;
  } else if ((lead & 0xF8U) == 0xF0) {
    length = 4, value = lead & 0x07U, least = 0x10000;
  }
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return 0;
    value = value << 6U | (byte(i) & 0x3FU);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  return value < least || value > 0x10FFFF || surrogate ? 0 : length;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

}  // namespace

std::optional<BadCharacter> first_bad_character(std::string_view text) {
  int line = 1;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence_length(text.substr(i));
    const int column = static_cast<int>(i - line_start) + 1;
    if (length == 0) return BadCharacter{line, column, "invalid UTF-8"};
    if (is_control(text[i])) {
      return BadCharacter{line, column, "control characters are not allowed"};
    }
    if (text[i] == '\n') {
      ++line;
      line_start = i + 1;
    }
    i += length;
  }
  return std::nullopt;
}

std::string with_whole_characters(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 1);
  while (!text.empty()) {
    std::size_t length = sequence_length(text);
    if (length > 0) {
      out += text.substr(0, length);
    } else {
      const bool lone = text.front() == '\x85' || text.front() == '\xA0';
      out += lone ? std::string{'\xC2', text.front()} : std::string("\xEF\xBF\xBD");
      length = 1;
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace pointsman
