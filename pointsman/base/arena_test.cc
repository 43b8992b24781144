#include "pointsman/base/arena.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

TEST(Arena, AlignsWhatItHandsOut) {
  Arena arena;
  arena.copy("abc");
  const auto numbers = arena.array<double>(3);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(numbers.data()) % alignof(double), 0U);
  EXPECT_EQ(numbers[2], 0.0);
}

TEST(Arena, UsesItsMemoryAgainAfterReset) {
  Arena arena(64);
  const auto fill = [&arena] {
    for (int i = 0; i < 100; ++i) arena.array<std::uint64_t>(10);
  };
  fill();
  const std::size_t held = arena.capacity();
  for (int round = 0; round < 10; ++round) {
    arena.reset();
    fill();
  }
  EXPECT_EQ(arena.capacity(), held);
}

TEST(Arena, GivesAGiantBack) {
  Arena arena;
  arena.copy("small");
  const std::size_t small = arena.capacity();
  arena.array<char>(std::size_t{8} << 20U);
  arena.reset();
  EXPECT_EQ(arena.capacity(), small);
}

TEST(Arena, ServesAWishLargerThanABlock) {
  Arena arena(16);
  const std::string text(10'000, 'x');
  EXPECT_EQ(arena.copy(text), text);
}

}  // namespace
}  // namespace pointsman
