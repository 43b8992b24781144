#include "pointsman/telemetry/label_hash.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

// Every length around the 4, 8 and 16 byte steps, with one byte changed at every place.
TEST(LabelHash, TellsTextsApartThatDifferInOneByte) {
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string text(size, 'a');
    EXPECT_TRUE(label::equal(text, std::string(size, 'a')));
    EXPECT_EQ(label::hash(1, text), label::hash(1, std::string(size, 'a')));
    EXPECT_FALSE(label::equal(text, std::string(size + 1, 'a')));
    for (std::size_t i = 0; i < size; ++i) {
      std::string other = text;
      other[i] = 'b';
      EXPECT_FALSE(label::equal(text, other)) << size << " " << i;
      EXPECT_NE(label::hash(1, text), label::hash(1, other)) << size << " " << i;
    }
  }
}

TEST(LabelHash, SpreadsAndDependsOnItsSeed) {
  std::set<std::uint64_t> low;
  for (int i = 0; i < 1000; ++i)
    low.insert(label::hash(7, "tenant-" + std::to_string(i)) & 0xFFFFU);
  EXPECT_GT(low.size(), 970U);  // 992 expected of a random function
  EXPECT_NE(label::hash(1, "model"), label::hash(2, "model"));
}

}  // namespace
}  // namespace pointsman
