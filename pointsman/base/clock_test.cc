#include "pointsman/base/clock.h"

#include <chrono>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using std::chrono::milliseconds;

TEST(Clock, KeepsPaceWithTheSystemsMonotonicClock) {
  const auto ours = Clock::now();
  const auto theirs = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - theirs < milliseconds(20)) {
  }
  const auto elapsed = Clock::now() - ours;
  EXPECT_GE(elapsed, milliseconds(19));
  EXPECT_LT(elapsed, milliseconds(500));  // a busy machine may stop us, never speed us up
}

TEST(Clock, NeverGoesBack) {
  auto last = Clock::now();
  for (int i = 0; i < 100'000; ++i) {
    const auto now = Clock::now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(Clock, KnowsTheWallTimeOfAMoment) {
  const auto wall = Clock::wall(Clock::now() - std::chrono::hours(1));
  const auto off = std::chrono::system_clock::now() - wall - std::chrono::hours(1);
  EXPECT_LT(std::chrono::abs(off), std::chrono::seconds(1));
}

}  // namespace
}  // namespace pointsman
