#include "pointsman/edge/http/api_keys.h"

#include <cstddef>
#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

TEST(ApiKeys, AreOneALine) {
  const auto keys = ApiKeys::parse("# team a\nsk-1\r\n\n  sk-2  \n");
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->size(), 2U);
  EXPECT_EQ(keys->first(), "sk-1");
  EXPECT_TRUE(keys->admits("Bearer sk-1"));
  EXPECT_TRUE(keys->admits("bearer  sk-2"));
}

TEST(ApiKeys, AdmitNobodyElse) {
  const auto keys = ApiKeys::parse("sk-1\n");
  for (const auto* wrong : {"", "Bearer", "Bearer ", "Bearer sk-", "Bearer sk-2", "Bearer sk-11",
                            "sk-1", "Basic sk-1", "Bearer sk-1 sk-1"}) {
    EXPECT_FALSE(keys->admits(wrong)) << wrong;
  }
}

TEST(ApiKeys, AFileWithoutOneIsAMistake) {
  EXPECT_FALSE(ApiKeys::parse(""));
  EXPECT_FALSE(ApiKeys::parse("# none\n\n"));
  EXPECT_EQ(ApiKeys::parse("ok\nnot ok\n").error().message, "line 2 is not a key");
}

TEST(ApiKeys, AreLimitedInNumber) {
  std::string text;
  for (std::size_t i = 0; i < ApiKeys::kMostKeys; ++i) text += "sk-" + std::to_string(i) + '\n';
  EXPECT_EQ(ApiKeys::parse(text)->size(), ApiKeys::kMostKeys);
  EXPECT_EQ(ApiKeys::parse("# one more\n" + text + "sk-last\n").error().message,
            "line 10002 is one key too many: 10000 are the most");
}

}  // namespace
}  // namespace pointsman
