#include "pointsman/sim/prefix_cache.h"

#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using Hashes = std::vector<std::uint64_t>;

PrefixCache::Lease reserved(PrefixCache& cache, const Hashes& hashes, std::uint32_t total) {
  auto lease = cache.reserve(hashes, total);
  if (lease) return *std::move(lease);
  ADD_FAILURE() << "no room for " << total << " blocks";
  return {};
}

// Reserves room for `hashes` and publishes those that were not shared, as a computed prompt does.
PrefixCache::Lease computed(PrefixCache& cache, const Hashes& hashes) {
  auto lease = reserved(cache, hashes, static_cast<std::uint32_t>(hashes.size()));
  for (std::size_t i = lease.known.size(); i < hashes.size(); ++i) cache.publish(lease, hashes[i]);
  return lease;
}

TEST(PrefixCache, SharesOnlyAnUnbrokenPrefix) {
  PrefixCache cache(10);
  auto first = computed(cache, {1, 2, 3});
  const auto second = reserved(cache, {1, 2, 9, 3}, 5);
  EXPECT_EQ(second.known.size(), 2U);
  EXPECT_EQ(second.own, 3U);
  EXPECT_EQ(cache.held(), 6U);
}

TEST(PrefixCache, KeepsReleasedBlocksUntilRoomIsNeeded) {
  PrefixCache cache(4);
  auto lease = computed(cache, {1, 2, 3});
  cache.release(lease);
  EXPECT_EQ(cache.held(), 0U);
  EXPECT_EQ(cache.idle(), 3U);
  EXPECT_TRUE(cache.contains(1) && cache.contains(2) && cache.contains(3));
}

TEST(PrefixCache, EvictsTheTailOfAPromptFirst) {
  PrefixCache cache(4);
  auto lease = computed(cache, {1, 2, 3});
  cache.release(lease);
  ASSERT_TRUE(cache.reserve({}, 2).has_value());
  EXPECT_TRUE(cache.contains(1));
  EXPECT_TRUE(cache.contains(2));
  EXPECT_FALSE(cache.contains(3));
}

TEST(PrefixCache, EvictsTheLeastRecentlyReleasedPromptFirst) {
  PrefixCache cache(4);
  auto old = computed(cache, {1, 2});
  auto young = computed(cache, {3, 4});
  cache.release(old);
  cache.release(young);
  auto again = computed(cache, {1, 2});  // now the younger one
  cache.release(again);
  ASSERT_TRUE(cache.reserve({}, 2).has_value());
  EXPECT_TRUE(cache.contains(1) && cache.contains(2));
  EXPECT_FALSE(cache.contains(3) || cache.contains(4));
}

TEST(PrefixCache, EvictsASharedHeadAfterEveryContinuation) {
  PrefixCache cache(4);
  auto left = computed(cache, {1, 2});
  auto right = computed(cache, {1, 3});
  cache.release(right);
  cache.release(left);
  ASSERT_TRUE(cache.reserve({}, 3).has_value());
  EXPECT_TRUE(cache.contains(1));
  EXPECT_FALSE(cache.contains(2) || cache.contains(3));
}

TEST(PrefixCache, RefusesWhatDoesNotFitAndChangesNothing) {
  PrefixCache cache(4);
  auto held = computed(cache, {1, 2});
  auto idle = computed(cache, {3});
  cache.release(idle);
  EXPECT_FALSE(cache.reserve({}, 3).has_value());
  EXPECT_EQ(cache.held(), 2U);
  EXPECT_TRUE(cache.contains(3));
}

TEST(PrefixCache, DoesNotEvictTheIdlePrefixItIsAboutToShare) {
  PrefixCache cache(3);
  auto lease = computed(cache, {1, 2, 3});
  cache.release(lease);
  // Two of three blocks are shared, so only one is left for the two that are missing.
  EXPECT_FALSE(cache.reserve(Hashes{1, 2}, 4).has_value());
  EXPECT_EQ(reserved(cache, {1, 2}, 3).known.size(), 2U);
  EXPECT_FALSE(cache.contains(3));
}

TEST(PrefixCache, KeepsACopyPrivateWhenTheContentIsKnownAlready) {
  PrefixCache cache(4);
  auto first = reserved(cache, {1}, 1);
  auto second = reserved(cache, {1}, 1);  // asked before the first was computed
  cache.publish(first, 1);
  cache.publish(second, 1);
  EXPECT_EQ(cache.held(), 2U);
  cache.release(second);
  EXPECT_EQ(cache.held(), 1U);
  EXPECT_EQ(cache.idle(), 0U);  // the copy is free, not idle
  cache.release(first);
  EXPECT_EQ(cache.idle(), 1U);
}

TEST(PrefixCache, ForgetsEverythingOnClearButKeepsHeldBlocksHeld) {
  PrefixCache cache(6);
  auto idle = computed(cache, {1, 2});
  cache.release(idle);
  auto held = computed(cache, {3, 4});
  cache.clear();
  EXPECT_FALSE(cache.contains(1) || cache.contains(3));
  EXPECT_EQ(cache.idle(), 0U);
  EXPECT_EQ(cache.held(), 2U);

  auto anew = computed(cache, {3, 4});  // the same content again, in other blocks
  EXPECT_EQ(cache.held(), 4U);
  cache.release(held);
  EXPECT_EQ(cache.held(), 2U);
  EXPECT_TRUE(cache.contains(3));
  cache.release(anew);
  EXPECT_EQ(cache.held(), 0U);
  EXPECT_EQ(cache.idle(), 2U);
}

}  // namespace
}  // namespace pointsman
