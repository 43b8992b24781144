#include "pointsman/engine/request_id.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "pointsman/base/quoted_json.h"

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
  std::string quoted;
  append_quoted_json(quoted, text);
  return arena.copy(quoted);
}

}  // namespace pointsman
