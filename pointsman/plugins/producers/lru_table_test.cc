#include "pointsman/plugins/producers/lru_table.h"

#include <list>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/random.h"
#include "pointsman/base/testing/allocations.h"

namespace pointsman {
namespace {

std::vector<std::uint64_t> keys(const LruTable<int>& table) {
  std::vector<std::uint64_t> out;
  table.for_each([&](const LruKey& key, int) { out.push_back(key.low); });
  return out;
}

TEST(LruTable, ForgetsWhatWasUsedLongestAgo) {
  LruTable<int> table(2);
  table.touch({1}) = 10;
  table.touch({2}) = 20;
  EXPECT_EQ(table.touch({1}), 10);
  table.touch({3}) = 30;
  EXPECT_EQ(table.find({2}), nullptr);
  EXPECT_EQ(*table.find({1}), 10);
  EXPECT_EQ(keys(table), (std::vector<std::uint64_t>{1, 3}));
}

TEST(LruTable, LookingIsNotUse) {
  LruTable<int> table(2);
  table.touch({1});
  table.touch({2});
  EXPECT_NE(table.find({1}), nullptr);
  table.touch({3});
  EXPECT_EQ(table.find({1}), nullptr);
}

TEST(LruTable, ExpiresFromTheOldestOn) {
  LruTable<int> table(8);
  for (const int i : {1, 2, 3}) table.touch({static_cast<std::uint64_t>(i)}) = i;
  table.expire([](int value) { return value < 3; });
  EXPECT_EQ(keys(table), std::vector<std::uint64_t>{3});
}

TEST(LruTable, AgreesWithAListOnRandomOperations) {
  constexpr std::size_t kCapacity = 50;
  LruTable<int> table(kCapacity);
  std::list<std::uint64_t> list;  // oldest first
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t key = random.below(120);
    if (random.below(5) == 0) {
      EXPECT_EQ(table.erase({key}), list.remove(key) == 1);
    } else {
      list.remove(key);
      list.push_back(key);
      if (list.size() > kCapacity) list.pop_front();
      table.touch({key});
    }
    ASSERT_EQ(table.size(), list.size());
  }
  EXPECT_EQ(keys(table), std::vector<std::uint64_t>(list.begin(), list.end()));
}

TEST(LruTable, AllocatesNothingOnceFull) {
  LruTable<int> table(100);
  for (std::uint64_t i = 0; i < 200; ++i) table.touch({i, i});
  const auto before = testing::allocations();
  for (std::uint64_t i = 200; i < 2000; ++i) table.touch({i, i});
  table.erase({1999, 1999});
  table.touch({5, 5});
  EXPECT_EQ(testing::allocations(), before);
}

}  // namespace
}  // namespace pointsman
