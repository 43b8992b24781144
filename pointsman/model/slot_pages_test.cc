#include "pointsman/model/slot_pages.h"

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

TEST(SlotPages, KeepsACellForEachSlotThatWasAskedFor) {
  SlotPages<int> cells;
  EXPECT_EQ(cells.find(7), nullptr);
  cells.at(7) = 1;
  cells.at(65'535) = 2;
  ASSERT_NE(cells.find(7), nullptr);
  EXPECT_EQ(*cells.find(7), 1);
  EXPECT_EQ(*cells.find(8), 0) << "of the same page";
  EXPECT_EQ(cells.find(64), nullptr) << "of the next";
  EXPECT_EQ(&cells.at(65'535), cells.find(65'535));
  int sum = 0;
  std::vector<std::uint16_t> slots;
  cells.for_each([&](std::uint16_t slot, const int& cell) {
    sum += cell;
    slots.push_back(slot);
  });
  EXPECT_EQ(sum, 3);
  EXPECT_EQ(slots.size(), 128U);
  EXPECT_EQ(slots.front(), 0);
  EXPECT_EQ(slots.back(), 65'535);
}

TEST(SlotPages, GivesAllThreadsTheSameCell) {
  SlotPages<std::atomic<int>> cells;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (std::uint32_t slot = 0; slot < 65'536; slot += 64) {
          ++cells.at(static_cast<std::uint16_t>(slot));
        }
      });
    }
  }
  for (std::uint32_t slot = 0; slot < 65'536; slot += 64) {
    EXPECT_EQ(*cells.find(static_cast<std::uint16_t>(slot)), 4);
  }
}

}  // namespace
}  // namespace pointsman
