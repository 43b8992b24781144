#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace pointsman {

// The most of one text of a client's own choosing - a model, a fairness id, a request id - that
// outlives its request: in metrics, decisions, records and log lines. In bytes.
inline constexpr std::size_t kMaxClientText = 256;

// The most of the text of an error, which may quote one or two of these.
inline constexpr std::size_t kMaxErrorText = 4 * kMaxClientText;

// The beginning of `text`, at most so many bytes; a character of UTF-8 is not cut in two.
inline std::string_view clipped(std::string_view text, std::size_t most = kMaxClientText) {
  if (text.size() <= most) return text;
  constexpr std::size_t kMostTrailing = 3;  // bytes of a character behind its first
  std::size_t size = most;
  const std::size_t least = most - std::min(most, kMostTrailing);
  while (size > least && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  return text.substr(0, size);
}

}  // namespace pointsman
