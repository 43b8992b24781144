#include "pointsman/plugins/producers/token_stream.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/json_escape.h"
#include "pointsman/base/random.h"
#include "pointsman/plugins/parsers/part_list.h"

namespace pointsman {
namespace {

using Kind = PromptPart::Kind;

// All blocks of the prompt, one after the other; checks that all but the last are full.
std::string streamed(const Prompt& prompt, std::size_t block_bytes) {
  std::vector<char> buffer(block_bytes + TokenStream::kSlack);
  TokenStream stream(prompt, block_bytes, buffer);
  std::string out;
  bool ended = false;
  while (true) {
    const std::string_view block = stream.next();
    if (block.empty()) break;
    EXPECT_FALSE(ended);
    ended = block.size() < block_bytes;
    out += block;
  }
  EXPECT_TRUE(stream.next().empty());
  return out;
}

// The byte stream by the letter of spec/05 section 3.6.
std::string written_down(const Prompt& prompt) {
  Arena arena;
  std::string out;
  const auto align = [&out] { out.resize((out.size() + 3) / 4 * 4); };
  for (const PromptPart& part : prompt.parts) {
    if (part.kind == Kind::text) out += part.bytes;
    if (part.kind == Kind::escaped) out += unescaped(part.bytes, arena);
    if (part.kind == Kind::tokens) {
      out.append(reinterpret_cast<const char*>(part.tokens.data()), part.tokens.size_bytes());
    }
    if (part.kind == Kind::repeat) {
      align();
      for (std::uint32_t i = 0; i < part.count; ++i) {
        out.append(reinterpret_cast<const char*>(&part.token), 4);
      }
    }
  }
  align();
  return out;
}

TEST(TokenStream, PacksFourBytesIntoAToken) {
  const std::array parts{PromptPart{.kind = Kind::text, .size = 11, .bytes = "hello world"}};
  const std::string bytes = streamed({parts}, 64);
  ASSERT_EQ(bytes.size(), 12U);
  std::array<std::uint32_t, 3> tokens{};
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(tokens.data()));
  EXPECT_EQ(tokens, (std::array<std::uint32_t, 3>{1819043176, 1870078063, 6581362}));
  EXPECT_EQ(token_count({parts}), 3);
}

TEST(TokenStream, GivesNothingForAnEmptyPrompt) {
  EXPECT_EQ(streamed({}, 16), "");
  const std::array empty{PromptPart{}, PromptPart{.kind = Kind::escaped}};
  EXPECT_EQ(streamed({empty}, 16), "");
  EXPECT_EQ(token_count({empty}), 0);
}

TEST(TokenStream, StartsRepeatedTokensAtATokensBoundary) {
  const std::array parts{PromptPart{.kind = Kind::text, .size = 5, .bytes = "abcde"},
                         PromptPart{.kind = Kind::repeat, .token = 0x31323334, .count = 3},
                         PromptPart{.kind = Kind::text, .size = 1, .bytes = "x"}};
  EXPECT_EQ(streamed({parts}, 8), std::string("abcde\0\0\0"
                                              "432143214321"
                                              "x\0\0\0",
                                              24));
  EXPECT_EQ(token_count({parts}), 6);
}

TEST(TokenStream, ShowsPlainTextWhereItStands) {
  const std::string text(1000, 'x');
  const std::array parts{PromptPart{.kind = Kind::text, .size = 1000, .bytes = text}};
  const Prompt prompt{parts};
  std::array<char, 64 + TokenStream::kSlack> buffer{};
  TokenStream stream(prompt, 64, buffer);
  EXPECT_EQ(stream.next().data(), text.data());
  EXPECT_EQ(stream.next().data(), text.data() + 64);
}

TEST(TokenStream, AgreesWithTheStreamWrittenDown) {
  static constexpr std::array<std::string_view, 7> kPieces{
      R"(\n)", R"(\"q\")", R"(\u00e9)", R"(\ud83d\ude00)", R"(\ud83d)", "plain", "é and more text"};
  static constexpr std::array<std::size_t, 5> kBlocks{4, 8, 64, 256, 1000};
  Random random(5);
  for (int round = 0; round < 2000; ++round) {
    Arena arena;
    PartList parts(arena);
    for (std::uint64_t i = random.below(6); i > 0; --i) {
      std::string text;
      for (std::uint64_t j = random.below(40); j > 0; --j) {
        text += kPieces.at(random.below(kPieces.size()));
        text += std::string(random.below(30), 'y');
      }
      std::vector<char> exact(text.begin(), text.end());
      const std::string_view kept = arena.copy({exact.data(), exact.size()});
      const auto token = static_cast<std::uint32_t>(random.next());
      switch (random.below(4)) {
        case 0:
          parts.add_text(kept);
          break;
        case 1:
          parts.add({.kind = Kind::repeat,
                     .token = token,
                     .count = static_cast<std::uint32_t>(random.below(200))});
          break;
        default:
          parts.add({.kind = Kind::escaped,
                     .size = static_cast<std::uint32_t>(unescaped(kept, arena).size()),
                     .bytes = kept});
      }
    }
    const Prompt prompt{parts.all()};
    const std::string expected = written_down(prompt);
    EXPECT_EQ(streamed(prompt, kBlocks.at(random.below(kBlocks.size()))), expected);
    EXPECT_EQ(token_count(prompt), static_cast<std::int64_t>(expected.size() / 4));
  }
}

TEST(TokenStream, PassesTokenIdsOn) {
  const std::array<std::uint32_t, 5> ids{1, 2, 3, 4, 5};
  const std::array parts{PromptPart{.kind = Kind::tokens, .tokens = ids}};
  EXPECT_EQ(streamed({parts}, 8), written_down({parts}));
  EXPECT_EQ(token_count({parts}), 5);
}

}  // namespace
}  // namespace pointsman
