#include "pointsman/sim/model_clock.h"

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using namespace std::chrono_literals;

constexpr Clock::time_point kStart{100s};

TEST(ModelClock, RunsAtItsRate) {
  const ModelClock clock(kStart, 5);
  EXPECT_EQ(clock.at(kStart), 0s);
  EXPECT_EQ(clock.at(kStart + 2s), 10s);
  EXPECT_EQ(clock.when(10s), kStart + 2s);
}

TEST(ModelClock, GoesOnFromWhereItIsWhenTheRateChanges) {
  ModelClock clock(kStart, 5);
  clock.set_rate(kStart + 2s, 0.5);
  EXPECT_EQ(clock.at(kStart + 4s), 11s);
  EXPECT_EQ(clock.when(11s), kStart + 4s);
}

TEST(ModelClock, StandsStillAtRateZero) {
  ModelClock clock(kStart, 1);
  clock.set_rate(kStart + 1s, 0);
  EXPECT_EQ(clock.at(kStart + 1h), 1s);
  EXPECT_EQ(clock.when(2s), Clock::time_point::max());
  clock.set_rate(kStart + 1h, 1);
  EXPECT_EQ(clock.at(kStart + 1h + 1s), 2s);
}

TEST(ModelClock, IsNeverBeforeAnEventWhenItComes) {
  const ModelClock clock(kStart, 3);
  for (const ModelTime time : {1ns, 2ns, 10ns, 1'000'000'007ns}) {
    EXPECT_GE(clock.at(clock.when(time)), time);
  }
}

}  // namespace
}  // namespace pointsman
