#pragma once

#include <cstddef>
#include <string_view>

namespace pointsman {

// Bytes of the UTF-8 character at the front of `text`, 0 when there is none: overlong forms,
// surrogates and what lies above U+10FFFF are none (Unicode 15, table 3-7).
// REQUIRES: !text.empty().
std::size_t utf8_length(std::string_view text);

// Bytes the code point takes in UTF-8. REQUIRES: point <= U+10FFFF.
constexpr std::size_t utf8_size(char32_t point) {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

// Writes the code point as UTF-8 and returns the end. REQUIRES: room for utf8_size(point) bytes.
char* write_utf8(char32_t point, char* out);

}  // namespace pointsman
