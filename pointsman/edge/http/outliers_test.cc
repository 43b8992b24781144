#include "pointsman/edge/http/outliers.h"

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using std::chrono::seconds;

constexpr EndpointKey kOne{7};

const OutlierOptions kOptions{
    .failures = 3, .connect_failures = 2, .first = seconds(5), .longest = seconds(15)};

TEST(Outliers, LeavesOutWhoFailsInARow) {
  Outliers outliers(kOptions);
  const auto now = Clock::now();
  EXPECT_FALSE(outliers.failed(kOne, false, now));
  EXPECT_FALSE(outliers.failed(kOne, false, now));
  EXPECT_FALSE(outliers.any(now));
  EXPECT_TRUE(outliers.failed(kOne, false, now));
  EXPECT_TRUE(outliers.any(now));
  EXPECT_TRUE(outliers.closed(kOne, now));
  EXPECT_FALSE(outliers.closed(EndpointKey{8}, now));
  EXPECT_EQ(outliers.trouble(kOne, now)->out_for, seconds(5));
}

TEST(Outliers, ASuccessBetweenBeginsTheCountAnew) {
  Outliers outliers(kOptions);
  const auto now = Clock::now();
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(outliers.failed(kOne, false, now));
    EXPECT_FALSE(outliers.failed(kOne, false, now));
    outliers.succeeded(kOne);
  }
  EXPECT_FALSE(outliers.trouble(kOne, now));
}

TEST(Outliers, SayWhenOneThatWasLeftOutIsBack) {
  Outliers outliers(kOptions);
  const auto long_ago = Clock::now() - seconds(100);
  EXPECT_FALSE(outliers.succeeded(kOne));
  outliers.failed(kOne, false, long_ago);
  EXPECT_FALSE(outliers.succeeded(kOne)) << "it was not left out";
  for (int i = 0; i < 3; ++i) outliers.failed(kOne, false, long_ago);
  EXPECT_TRUE(outliers.succeeded(kOne));
  EXPECT_FALSE(outliers.succeeded(kOne));
}

TEST(Outliers, RefusedConnectionsCountMore) {
  Outliers outliers(kOptions);
  const auto now = Clock::now();
  EXPECT_FALSE(outliers.failed(kOne, true, now));
  EXPECT_TRUE(outliers.failed(kOne, true, now));
}

TEST(Outliers, ReturnsAndIsLeftOutLongerAfterOneMoreFailure) {
  Outliers outliers(kOptions);
  auto now = Clock::now();
  for (const auto left : {seconds(5), seconds(10), seconds(15), seconds(15)}) {
    while (!outliers.failed(kOne, false, now)) {
    }
    EXPECT_EQ(outliers.trouble(kOne, now)->out_for, left);
    EXPECT_FALSE(outliers.failed(kOne, false, now));  // was on its way: no second time
    now += left;
    EXPECT_FALSE(outliers.closed(kOne, now));
  }
}

TEST(Outliers, ForgetsThePredecessorOfASlot) {
  Outliers outliers(kOptions);
  const auto now = Clock::now();
  outliers.failed(kOne, true, now);
  outliers.failed(kOne, true, now);
  const EndpointKey next{kOne.value + (1U << 16U)};
  EXPECT_FALSE(outliers.closed(next, now));
  EXPECT_FALSE(outliers.failed(next, true, now));
}

TEST(Outliers, CanBeTurnedOff) {
  Outliers outliers({.failures = 0});
  const auto now = Clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(outliers.failed(kOne, true, now));
}

}  // namespace
}  // namespace pointsman
