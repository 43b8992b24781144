#include "pointsman/base/json_escape.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

TEST(JsonEscape, IsReadAsWhatItStandsFor) {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"plain", "plain"},
      {R"(\u0075sage)", "usage"},
      {R"(a\n\"\/\\)", "a\n\"/\\"},
      {R"(\u00e9\u4e2d\ud83d\ude00)", "\u00e9\u4e2d\U0001F600"},
      {R"(\ud83dx)", "\uFFFDx"}};
  Arena arena;
  for (const auto& [raw, meant] : rows) {
    EXPECT_EQ(unescaped(raw, arena), meant);
    std::string room(raw.size(), '\0');
    const char* const end = write_unescaped(raw, room.data());
    EXPECT_EQ(room.substr(0, static_cast<std::size_t>(end - room.data())), meant);
  }
}

TEST(ValidUtf8, KeepsWhatIsValidWithoutACopy) {
  Arena arena;
  for (const std::string text : {"", "short", "text of more than eight bytes, \u00e9\u4e2d too"}) {
    EXPECT_EQ(valid_utf8(text, arena), text);
    EXPECT_EQ(valid_utf8(text, arena).data(), text.data());
  }
}

TEST(ValidUtf8, ReplacesTheOtherBytesWhereverTheyStand) {
  Arena arena;
  for (std::size_t before = 0; before < 20; ++before) {
    const std::string ascii(before, 'x');
    EXPECT_EQ(valid_utf8(ascii + "\xff\xc3" + ascii + "\u00e9" + ascii + "\xe2\x82", arena),
              ascii + "\uFFFD\uFFFD" + ascii + "\u00e9" + ascii + "\uFFFD\uFFFD");
  }
}

}  // namespace
}  // namespace pointsman
