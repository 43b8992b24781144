#include "pointsman/edge/http/endpoint_limits.h"

#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

constexpr EndpointKey kA{3};
constexpr EndpointKey kB{70'000};
const Clock::time_point kNow{std::chrono::seconds(1000)};

TEST(EndpointLimits, AnEndpointWithAsManyAsItMayHaveIsLeftOutUntilOneEnds) {
  EndpointLimits limits(2);
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

TEST(EndpointLimits, HoldWhenManyThreadsTakeAndGive) {
  constexpr std::uint32_t kMost = 3;
  EndpointLimits limits(kMost);
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
