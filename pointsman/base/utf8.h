#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace pointsman {

// Bytes of the UTF-8 character at the front of `text`, 0 when there is none: overlong forms,
// surrogates and what lies above U+10FFFF are none (Unicode 15, table 3-7).
// REQUIRES: !text.empty().
inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < n) return 0;
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies above the last code point.
  if (first == 0xE0 && byte(1) < 0xA0) return 0;
  if (first == 0xED && byte(1) > 0x9F) return 0;
  if (first == 0xF0 && byte(1) < 0x90) return 0;
  if (first == 0xF4 && byte(1) > 0x8F) return 0;
  return n;
}

// Bytes at the front that are UTF-8 throughout.
inline std::size_t utf8_run(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  std::size_t run = 0;
  std::uint64_t word = 0;
  while (run < text.size()) {
    // ASCII, which most texts are, a word at a time.
    for (; text.size() - run >= sizeof word; run += sizeof word) {
      std::memcpy(&word, text.data() + run, sizeof word);
      if ((word & kHighBits) != 0) break;
    }
    if (run == text.size()) break;
    const std::size_t length = utf8_length(text.substr(run));
    if (length == 0) break;
    run += length;
  }
  return run;
}

// The text with U+FFFD in the place of every byte that is not part of a character. In the header:
// the module of the exporter links nothing of ours.
inline std::string repaired_utf8(std::string_view text) {
  std::string out;
  std::size_t good = utf8_run(text);
  for (; good < text.size(); good = utf8_run(text)) {
    out.append(text.substr(0, good)).append("\xEF\xBF\xBD");
    text.remove_prefix(good + 1);
  }
  return out.append(text);
}

// Bytes the code point takes in UTF-8. REQUIRES: point <= U+10FFFF.
constexpr std::size_t utf8_size(char32_t point) {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

// Writes the code point as UTF-8 and returns the end. REQUIRES: room for utf8_size(point) bytes.
char* write_utf8(char32_t point, char* out);

}  // namespace pointsman
