#include "pointsman/base/utf8.h"

#include <array>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

bool is_surrogate(char32_t point) {
  return point >= 0xD800 && point <= 0xDFFF;
}

TEST(Utf8, WritesAndKnowsEveryCharacter) {
  for (char32_t point = 0; point <= 0x10FFFF; ++point) {
    std::array<char, 4> bytes{};
    const auto size = static_cast<std::size_t>(write_utf8(point, bytes.data()) - bytes.data());
    const std::string_view text(bytes.data(), size);
    const bool good = size == utf8_size(point) &&
                      utf8_length(text) == (is_surrogate(point) ? 0 : size) &&
                      (size == 1 || utf8_length(text.substr(0, size - 1)) == 0);
    ASSERT_TRUE(good) << static_cast<std::uint32_t>(point);
  }
}

TEST(Utf8, KnowsWhatIsNoCharacter) {
  for (const std::string_view none :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xE2\x82", "\xE2(\xA1", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xF0\x9F\x98", "\xFF"}) {
    EXPECT_EQ(utf8_length(none), 0U) << none;
  }
  EXPECT_EQ(utf8_length("\xC3\xA9rest"), 2U);
}

}  // namespace
}  // namespace pointsman
