#include "pointsman/engine/request_id.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace pointsman {

std::string_view make_request_id(Random& random, Arena& arena) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<std::uint64_t, 2> bits{random.next(), random.next()};
  bits[0] = (bits[0] & ~0xF000ULL) | 0x4000ULL;          // version 4
  bits[1] = (bits[1] & ~(3ULL << 62U)) | (2ULL << 62U);  // RFC 4122 variant
  const auto text = arena.array<char>(36);
  std::size_t at = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text[at++] = '-';
    text[at++] = kDigits[(bits[i / 16] >> (60 - 4 * (i % 16))) & 15U];
  }
  return {text.data(), text.size()};
}

std::string_view quote_json(std::string_view text, Arena& arena) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
  constexpr std::string_view kShortForms = "\"\\bfnrt";
  constexpr std::string_view kLineEnds = "\xE2\x80";        // U+2028 and U+2029 begin so
  const auto out = arena.array<char>(6 * text.size() + 2);  // at worst every byte is \u00xx
  std::size_t used = 0;
  const auto put = [&](std::string_view piece) {
    for (const char c : piece) out[used++] = c;
  };
  put("\"");
  for (; !text.empty(); text.remove_prefix(1)) {
    const char c = text.front();
    const auto byte = static_cast<unsigned char>(c);
    if (const auto form = kShort.find(c); form != std::string_view::npos) {
      put("\\");
      put(kShortForms.substr(form, 1));
    } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
      put("\\u00");
      put(kDigits.substr(byte >> 4U, 1));
      put(kDigits.substr(byte & 15U, 1));
    } else if (text.size() > 2 && text.starts_with(kLineEnds) &&
               (text[2] == '\xA8' || text[2] == '\xA9')) {
      put(text[2] == '\xA8' ? "\\u2028" : "\\u2029");
      text.remove_prefix(2);
    } else {
      out[used++] = c;
    }
  }
  put("\"");
  return {out.data(), used};
}

}  // namespace pointsman
