#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <cstddef>
#include <cstdint>

namespace pointsman {

// How many bytes the masks below look at.
inline constexpr std::size_t kScanWidth = 64;

#ifdef __SSE2__

// One bit per byte of [at, at + kScanWidth): set where `match`, given 16 bytes, has a byte of ones.
template <typename Match>
std::uint64_t mask_of(const char* at, Match match) {
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < kScanWidth; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i));
    const auto bits = static_cast<std::uint16_t>(_mm_movemask_epi8(match(bytes)));
    mask |= static_cast<std::uint64_t>(bits) << i;
  }
  return mask;
}

// Where a JSON string ends or is interrupted: a quote, a backslash or a control character.
inline std::uint64_t string_specials(const char* at) {
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1F);
  return mask_of(at, [&](__m128i bytes) {
    return _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
        _mm_cmpeq_epi8(_mm_max_epu8(bytes, control), control));
  });
}

#else

inline std::uint64_t string_specials(const char* at) {
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < kScanWidth; ++i) {
    const bool special = at[i] == '"' || at[i] == '\\' || static_cast<unsigned char>(at[i]) < 0x20;
    mask |= static_cast<std::uint64_t>(special) << i;
  }
  return mask;
}

#endif

}  // namespace pointsman
