#pragma once

#include <optional>
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

}  // namespace pointsman
