#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pointsman/base/arena.h"

namespace pointsman {

// What the character after a backslash stands for; '\0' when the sequence is longer than two bytes.
constexpr char plain_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

// The same as a table.
inline constexpr auto kPlainEscapes = [] {
  std::array<char, 256> meanings{};
  for (std::size_t c = 0; c < meanings.size(); ++c)
    meanings.at(c) = plain_escape(static_cast<char>(c));
  return meanings;
}();

// One escape sequence of a JSON string: what it means and how many bytes it takes in the text.
struct JsonEscape {
  char32_t point = 0;
  std::size_t length = 0;
};

// Reads the escape sequence at the front of `text`, a surrogate pair as one. A surrogate without
// its partner is U+FFFD, as Go reads it. REQUIRES: it is a valid sequence.
JsonEscape read_escape(std::string_view text);

// Writes what the inside of a JSON string stands for and returns the end. REQUIRES: it is valid,
// and there is room for as many bytes as it has.
char* write_unescaped(std::string_view raw, char* out);

// What a JSON string stands for: a view when it has no escapes, a copy in `arena` when it has.
// `raw` is the inside of the string and known to be valid.
std::string_view unescaped(std::string_view raw, Arena& arena);

// The text with U+FFFD in the place of every byte that is not part of valid UTF-8: a view when all
// are, a copy in `arena` otherwise.
std::string_view valid_utf8(std::string_view text, Arena& arena);

}  // namespace pointsman
