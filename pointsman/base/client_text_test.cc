#include "pointsman/base/client_text.h"

#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

TEST(ClientText, IsCutAtItsLimit) {
  EXPECT_EQ(clipped("", 4), "");
  EXPECT_EQ(clipped("four", 4), "four");
  EXPECT_EQ(clipped("fives", 4), "five");
  EXPECT_EQ(clipped(std::string(10'000, 'a')).size(), kMaxClientText);
}

TEST(ClientText, IsNotCutWithinACharacter) {
  EXPECT_EQ(clipped("ab\u20ac", 5), "ab\u20ac");
  EXPECT_EQ(clipped("ab\u20ac", 4), "ab");
  EXPECT_EQ(clipped("ab\u20ac", 3), "ab");
  EXPECT_EQ(clipped("ab\u20ac", 2), "ab");
  EXPECT_EQ(clipped("\xF0\x9F\x9A\x82", 3), "");
  // Bytes that are no text have no characters to keep whole.
  EXPECT_EQ(clipped(std::string(20, '\x80'), 10).size(), 7U);
}

}  // namespace
}  // namespace pointsman
