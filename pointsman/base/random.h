#pragma once

#include <cstdint>

namespace pointsman {

// A small, seeded pseudo-random sequence (SplitMix64, Steele, Lea and Flood 2014): the same seed
// gives the same numbers on every machine, which is what lets a decision be replayed.
// Not for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }

  // Uniform in [0, bound). REQUIRES: bound > 0. (Lemire's multiply-shift; its bias is below
  // bound / 2^64.)
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64U);
  }

  // Uniform in [0, 1), on a grid of 2^-53.
  double unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

 private:
  __extension__ using Wide = unsigned __int128;

  std::uint64_t state_;
};

// 64 unpredictable bits from the operating system, to seed one Random per thread.
std::uint64_t entropy();

}  // namespace pointsman
