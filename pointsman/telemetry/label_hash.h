#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace pointsman {

// Hashing and comparing short texts without calls: label look-ups happen in every decision.
namespace label {

template <typename Word>
std::uint64_t load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// The two words that cover a text of at most 16 bytes; they overlap unless it has 16.
struct Ends {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  bool operator==(const Ends&) const = default;
};
inline Ends ends(const char* text, std::size_t size) {
  if (size >= 8) return {load<std::uint64_t>(text), load<std::uint64_t>(text + size - 8)};
  if (size >= 4) return {load<std::uint32_t>(text), load<std::uint32_t>(text + size - 4)};
  if (size == 0) return {};
  return {load<unsigned char>(text) | (load<unsigned char>(text + size / 2) << 8U),
          load<unsigned char>(text + size - 1)};
}

inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

// 64x64-bit multiplications over 16 bytes at a time (the scheme of wyhash). Both factors depend on
// the seed, so that clients who do not know it cannot aim at one slot of a table.
inline std::uint64_t hash(std::uint64_t seed, std::string_view text) {
  constexpr std::uint64_t kSecond = 0xE7037ED1A0B428DBU;
  const std::uint64_t secret = seed ^ 0xA0761D6478BD642FU;
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left > 16; at += 16, left -= 16) {
    seed = fold(load<std::uint64_t>(at) ^ secret, load<std::uint64_t>(at + 8) ^ seed);
  }
  const Ends rest = ends(at, left);
  return fold(rest.first ^ secret, rest.last ^ seed) ^ fold(text.size() ^ kSecond, seed);
}

inline bool equal(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const char* left = a.data();
  const char* right = b.data();
  std::size_t size = a.size();
  for (; size > 16; left += 8, right += 8, size -= 8) {
    if (load<std::uint64_t>(left) != load<std::uint64_t>(right)) return false;
  }
  return ends(left, size) == ends(right, size);
}

}  // namespace label
}  // namespace pointsman
