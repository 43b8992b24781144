#include "pointsman/config/utf8.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "pointsman/base/utf8.h"

namespace pointsman {
namespace {

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

}  // namespace

std::optional<BadCharacter> first_bad_character(std::string_view text) {
  int line = 1;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
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
    std::size_t length = utf8_length(text);
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
