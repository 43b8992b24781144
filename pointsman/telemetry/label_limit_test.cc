#include "pointsman/telemetry/label_limit.h"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/client_text.h"

namespace pointsman {
namespace {

TEST(LabelLimit, AdmitsTheFirstValuesAndFoldsLaterOnes) {
  LabelLimit limit(2);
  EXPECT_EQ(limit.bound("a"), "a");
  EXPECT_EQ(limit.bound("b"), "b");
  EXPECT_EQ(limit.bound("c"), "other");
  EXPECT_EQ(limit.bound("a"), "a");
  EXPECT_EQ(limit.bound("d"), "other");
  EXPECT_EQ(limit.bound(""), "");
}

TEST(LabelLimit, PinnedValuesUseNoRoom) {
  LabelLimit limit(2);
  EXPECT_TRUE(limit.pin("configured"));
  EXPECT_EQ(limit.bound("a"), "a");
  EXPECT_EQ(limit.bound("b"), "b");
  EXPECT_EQ(limit.bound("c"), "other");
  EXPECT_EQ(limit.bound("configured"), "configured");
  EXPECT_TRUE(limit.pin("late"));
  EXPECT_EQ(limit.bound("late"), "late");
  EXPECT_TRUE(limit.pin("late"));
  EXPECT_FALSE(limit.pin("one too many"));
}

TEST(LabelLimit, FoldsValuesThatAreTooLongAndKeepsNoneOfThem) {
  LabelLimit limit(1);
  const std::string longest(kMaxClientText, 'a');
  const std::string longer(kMaxClientText + 1, 'a');
  EXPECT_EQ(limit.bound(longer), "other");
  EXPECT_FALSE(limit.pin(longer));
  EXPECT_EQ(limit.bound(longer), "other");
  EXPECT_EQ(limit.bound(longest), longest);  // there is still room for one
}

TEST(LabelLimit, HoldsWhenManyThreadsFloodIt) {
  LabelLimit limit(5);
  std::vector<std::set<std::string>> seen(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < seen.size(); ++t) {
      threads.emplace_back([&limit, &mine = seen[t], t] {
        for (std::size_t i = 0; i < 1000; ++i) {
          mine.emplace(limit.bound(std::to_string(i * 4 + t)));
        }
      });
    }
  }
  std::set<std::string> all;
  for (const auto& mine : seen) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 6U);
  EXPECT_TRUE(all.contains("other"));
}

}  // namespace
}  // namespace pointsman
