#include "pointsman/plugins/producers/prefix_hash.h"

#include <array>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using Hashes = std::vector<std::uint64_t>;

Hashes hashes_of(std::string_view model, std::string_view salt,
                 const std::vector<std::uint32_t>& ids, std::size_t block,
                 std::size_t most = 1000) {
  Arena arena;
  const std::array parts{PromptPart{.kind = PromptPart::Kind::tokens, .tokens = ids}};
  const auto hashes = prefix_hashes(prefix_root(model, salt), {parts}, block, most, arena);
  return {hashes.begin(), hashes.end()};
}

std::vector<std::uint32_t> one_to(std::uint32_t last) {
  std::vector<std::uint32_t> ids(last);
  std::iota(ids.begin(), ids.end(), 1U);
  return ids;
}

TEST(Xxh64, IsTheFunctionOfTheSpecification) {
  EXPECT_EQ(xxh64(""), 0xef46db3751d8e999U);
  EXPECT_EQ(xxh64("a"), 0xd24ec4f1a98c6e5bU);
  EXPECT_EQ(xxh64("abc"), 0x44bc2cf5ad770999U);
}

TEST(PrefixHashes, AreThoseOfTheReference) {
  EXPECT_EQ(prefix_root("test-model", ""), 3725054772343846052U);
  const Hashes all{11386526230070969186U, 5092670945213280367U, 12623923100585045606U};
  EXPECT_EQ(hashes_of("test-model", "", one_to(40), 16), all);
  EXPECT_EQ(hashes_of("test-model", "", one_to(40), 16, 2), Hashes(all.begin(), all.begin() + 2));
  EXPECT_EQ(hashes_of("test-model", "salt1", one_to(40), 16),
            (Hashes{5623715539388975001U, 14760457797342181835U, 6796955021155868562U}));
  EXPECT_EQ(prefix_root("m", ""), 0xba2e567083a2b2e8U);
  EXPECT_EQ(hashes_of("m", "", {1, 2, 3, 4}, 2),
            (Hashes{0xbdeada2071943583U, 0x7aacfb531261b051U}));
}

TEST(PrefixHashes, ShareTheirHeadWithPromptsThatBeginAlike) {
  const Hashes longer = hashes_of("m", "", one_to(50), 16);
  const Hashes shorter = hashes_of("m", "", one_to(40), 16);
  ASSERT_EQ(longer.size(), 4U);
  EXPECT_EQ(longer[0], shorter[0]);
  EXPECT_EQ(longer[1], shorter[1]);
  EXPECT_NE(longer[2], shorter[2]);  // partial in one, full in the other
  EXPECT_NE(hashes_of("other", "", one_to(40), 16)[0], shorter[0]);
  EXPECT_NE(hashes_of("m", "salt", one_to(40), 16)[0], shorter[0]);
}

TEST(PrefixHashes, AreNoneForNothing) {
  EXPECT_EQ(hashes_of("m", "", {}, 16), Hashes{});
  EXPECT_EQ(hashes_of("m", "", one_to(5), 16, 0), Hashes{});
}

TEST(PrefixHashes, DoNotDependOnHowTheTextIsCutOrEscaped) {
  Arena arena;
  const std::string text = "one \"two\"\nthree four five six seven eight nine ten eleven twelve";
  const std::array whole{PromptPart{.kind = PromptPart::Kind::text,
                                    .size = static_cast<std::uint32_t>(text.size()),
                                    .bytes = text}};
  const std::array cut{
      PromptPart{.kind = PromptPart::Kind::escaped, .size = 10, .bytes = R"(one \"two\"\n)"},
      PromptPart{.kind = PromptPart::Kind::text,
                 .size = static_cast<std::uint32_t>(text.size() - 10),
                 .bytes = std::string_view(text).substr(10)}};
  const auto a = prefix_hashes(1, {whole}, 4, 100, arena);
  const auto b = prefix_hashes(1, {cut}, 4, 100, arena);
  EXPECT_EQ(Hashes(a.begin(), a.end()), Hashes(b.begin(), b.end()));
  EXPECT_EQ(a.size(), 4U);
}

}  // namespace
}  // namespace pointsman
