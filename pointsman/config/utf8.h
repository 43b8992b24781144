#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pointsman {

// A character that a text may not hold.
struct BadCharacter {
  int line = 0;    // 1-based
  int column = 0;  // 1-based, in bytes
  std::string_view what;
};

// The first byte of `text` that is not valid UTF-8 (overlong forms, surrogates and values above
// U+10FFFF included) or is a control character that YAML excludes.
std::optional<BadCharacter> first_bad_character(std::string_view text);

// The text with two bytes for each U+0085 and U+00A0 that stands in it as one: that is how yaml-cpp
// reads the escapes \N and \_. Any other byte that is not valid UTF-8 becomes U+FFFD.
std::string with_whole_characters(std::string_view text);

}  // namespace pointsman
