#include "pointsman/stage/header_edits.h"

#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

struct Edited {
  Arena arena;
  HeaderEdits edits;
  Edited() { edits.reset(arena); }
};

TEST(HeaderEdits, TheLaterCallCounts) {
  Edited e;
  e.edits.remove("x-a");
  e.edits.set("x-a", "1");
  e.edits.set("x-a", "2");
  e.edits.set("x-b", "3");
  e.edits.remove("x-b");
  ASSERT_EQ(e.edits.lines().size(), 1U);
  EXPECT_EQ(e.edits.lines()[0].value, "2");
  ASSERT_EQ(e.edits.removed().size(), 1U);
  EXPECT_EQ(e.edits.removed()[0], "x-b");
}

TEST(HeaderEdits, KeepsItsOwnCopyAndForgetsOnReset) {
  Edited e;
  {
    const std::string value(100, 'v');
    e.edits.set("x-a", value);
  }
  EXPECT_EQ(e.edits.lines()[0].value, std::string(100, 'v'));
  e.edits.reset(e.arena);
  EXPECT_TRUE(e.edits.lines().empty());
}

TEST(HeaderEdits, DropsWhatIsTooMuch) {
  Edited e;
  for (int i = 0; i < 20; ++i) {
    e.edits.set("x-" + std::to_string(i), "v");
    e.edits.remove("y-" + std::to_string(i));
  }
  EXPECT_EQ(e.edits.lines().size(), HeaderEdits::kMax);
  EXPECT_EQ(e.edits.removed().size(), HeaderEdits::kMax);
}

}  // namespace
}  // namespace pointsman
