#include "pointsman/record/bytes.h"

#include <cmath>

namespace pointsman {
namespace {

constexpr std::uint64_t kStart = 0x9E3779B97F4A7C15U;
constexpr std::uint64_t kFactor = 0x9FB21C651E98DF25U;
constexpr std::uint64_t kNaN = 0x7FF8000000000000U;

std::uint64_t add(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * kFactor;
  return hash ^ (hash >> 32U);
}

}  // namespace

std::uint64_t hash_row(std::span<const double> row) {
  std::uint64_t hash = kStart ^ row.size();
  for (const double value : row) {
    hash = add(hash, std::isnan(value) ? kNaN : std::bit_cast<std::uint64_t>(value));
  }
  return hash;
}

std::uint32_t frame_check(std::uint8_t kind, std::string_view payload) {
  std::uint64_t hash = add(kStart ^ payload.size(), kind);
  while (payload.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, payload.data(), 8);
    hash = add(hash, word);
    payload.remove_prefix(8);
  }
  std::uint64_t tail = 0;
  if (!payload.empty()) std::memcpy(&tail, payload.data(), payload.size());
  return static_cast<std::uint32_t>(add(hash, tail));
}

}  // namespace pointsman
