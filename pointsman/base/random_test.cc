#include "pointsman/base/random.h"

#include <array>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

TEST(Random, RepeatsItselfFromTheSameSeed) {
  Random a(42);
  Random b(42);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(Random(1).next(), Random(2).next());
}

TEST(Random, FollowsThePublishedSequence) {
  Random zero(0);  // first outputs of SplitMix64 from seed 0
  EXPECT_EQ(zero.next(), 0xE220A8397B1DCDAFU);
  EXPECT_EQ(zero.next(), 0x6E789E6AA1B965F4U);
}

TEST(Random, SpreadsEvenlyBelowABound) {
  Random random(7);
  std::array<int, 5> seen{};
  for (int i = 0; i < 50'000; ++i) ++seen.at(random.below(5));
  for (const int count : seen) EXPECT_NEAR(count, 10'000, 500);
}

TEST(Random, UnitStaysBelowOne) {
  Random random(7);
  for (int i = 0; i < 10'000; ++i) {
    const double u = random.unit();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
  }
}

}  // namespace
}  // namespace pointsman
