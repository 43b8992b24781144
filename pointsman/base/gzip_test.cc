#include "pointsman/base/gzip.h"

#include <string>

#include <gtest/gtest.h>

#include "pointsman/base/testing/gzip.h"

namespace pointsman {
namespace {

constexpr std::size_t kMost = 1'000'000;

using testing::gzipped;

Result<std::string> plain(std::string_view compressed, std::size_t most = kMost) {
  POINTSMAN_TRY(size, gunzipped_size(compressed, most));
  std::string out(size, '\0');
  if (auto done = gunzip(compressed, out); !done) return std::unexpected(done.error());
  return out;
}

TEST(Gzip, GivesBackWhatWasCompressed) {
  EXPECT_EQ(plain(gzipped("")).value(), "");
  EXPECT_EQ(plain(gzipped("abc")).value(), "abc");
  const std::string large(kMost, 'x');
  EXPECT_EQ(plain(gzipped(large)).value(), large);
}

TEST(Gzip, CompressesWhatRepeatsItself) {
  EXPECT_LT(gzip(std::string(100'000, 'x'))->size(), 1000U);
}

TEST(Gzip, RefusesWhatIsLargerThanTheLimit) {
  EXPECT_EQ(plain(gzipped("abcd"), 3).error().code, Code::too_large);
  EXPECT_TRUE(plain(gzipped("abc"), 3));
}

TEST(Gzip, RefusesWhatIsDamaged) {
  const std::string good = gzipped("some text");
  EXPECT_FALSE(plain(""));
  EXPECT_FALSE(plain("not gzip, but long enough for it"));
  EXPECT_FALSE(plain(good + "x"));
  EXPECT_FALSE(plain(good + good)) << "a second member";
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_FALSE(plain(good.substr(0, cut))) << cut;
  }
  constexpr std::size_t kChecks = 8;  // checksum and length, at the end
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bent = good;
    bent[at] = static_cast<char>(bent[at] ^ 0x20);
    const auto read = plain(bent);
    EXPECT_FALSE(read && (at + kChecks >= good.size() || *read != "some text")) << at;
  }
}

TEST(Gzip, BelievesNoSizeThatSoFewBytesCannotHold) {
  std::string lie = gzipped("abc");
  lie.replace(lie.size() - 4, 4, std::string("\xff\xff\xff\x00", 4));
  EXPECT_EQ(gunzipped_size(lie, std::size_t{1} << 40U).error().code, Code::bad_request);
}

}  // namespace
}  // namespace pointsman
