#include "pointsman/edge/http/endpoint_limits.h"

#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/edge/http/outliers.h"

namespace pointsman {
namespace {

constexpr EndpointKey kA{3};
constexpr EndpointKey kB{70'000};
const Clock::time_point kNow{std::chrono::seconds(1000)};

TEST(EndpointLimits, AnEndpointWithAsManyAsItMayHaveIsLeftOutUntilOneEnds) {
  const Outliers outliers;
  EndpointLimits limits(2, outliers);
  auto first = limits.take(kA);
  ASSERT_TRUE(first);
  EXPECT_FALSE(limits.any(kNow));
  const auto second = limits.take(kA);
  ASSERT_TRUE(second);
  EXPECT_TRUE(limits.any(kNow));
  EXPECT_TRUE(limits.closed(kA, kNow));
  EXPECT_FALSE(limits.closed(kB, kNow));
  EXPECT_FALSE(limits.take(kA));
  EXPECT_TRUE(limits.take(kB));
  {
    const EndpointLimits::Slot moved = *std::move(first);
    EXPECT_TRUE(limits.closed(kA, kNow));
  }
  EXPECT_FALSE(limits.any(kNow));
  EXPECT_FALSE(limits.closed(kA, kNow));
  EXPECT_TRUE(limits.take(kA));
}

TEST(EndpointLimits, WithoutALimitNobodyIsLeftOut) {
  const Outliers outliers;
  EndpointLimits limits(0, outliers);
  std::vector<EndpointLimits::Slot> held;
  for (int i = 0; i < 1000; ++i) held.push_back(limits.take(kA).value());
  EXPECT_FALSE(limits.any(kNow));
  EXPECT_FALSE(limits.closed(kA, kNow));
}

TEST(EndpointLimits, WhomTheOtherGateLeavesOutIsLeftOut) {
  Outliers outliers({.failures = 1});
  const EndpointLimits limits(0, outliers);
  EXPECT_TRUE(outliers.failed(kA, false, kNow));
  EXPECT_TRUE(limits.any(kNow));
  EXPECT_TRUE(limits.closed(kA, kNow));
  EXPECT_FALSE(limits.closed(kB, kNow));
  const auto trouble = limits.trouble(kA, kNow);
  ASSERT_TRUE(trouble) << "a limit tells of the trouble that the other gate knows of";
  EXPECT_EQ(trouble->ejections, 1U);
  EXPECT_FALSE(limits.trouble(kB, kNow));
}

TEST(EndpointLimits, HoldWhenManyThreadsTakeAndGive) {
  constexpr std::uint32_t kMost = 3;
  const Outliers outliers;
  EndpointLimits limits(kMost, outliers);
  std::atomic<std::uint32_t> inside{0};
  std::atomic<bool> over{false};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20'000; ++i) {
          const auto slot = limits.take(kA);
          if (!slot) continue;
          if (inside.fetch_add(1) >= kMost) over = true;
          inside.fetch_sub(1);
        }
      });
    }
  }
  EXPECT_FALSE(over);
  EXPECT_FALSE(limits.any(kNow));
  std::vector<EndpointLimits::Slot> held;
  for (std::uint32_t i = 0; i < kMost; ++i) held.push_back(limits.take(kA).value());
  EXPECT_FALSE(limits.take(kA));
}

}  // namespace
}  // namespace pointsman
