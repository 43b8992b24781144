#include "pointsman/config/nearest.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

constexpr std::array<std::string_view, 6> kTypes = {
    "kv-cache-utilization-scorer", "lora-affinity-scorer", "max-score-picker",
    "prefix-cache-scorer",         "queue-scorer",         "random-picker"};

TEST(Nearest, FindsMisspeltNames) {
  EXPECT_EQ(nearest("queue-scorrer", kTypes), std::vector<std::string>{"queue-scorer"});
  EXPECT_EQ(nearest("Queue-Scorer", kTypes), std::vector<std::string>{"queue-scorer"});
  EXPECT_EQ(nearest("prefix-cahce-scorer", kTypes),
            std::vector<std::string>{"prefix-cache-scorer"});
}

TEST(Nearest, FindsNamesThatContainTheWord) {
  EXPECT_EQ(nearest("kv-cache", kTypes), std::vector<std::string>{"kv-cache-utilization-scorer"});
}

TEST(Nearest, FindsNothingFarAway) {
  EXPECT_TRUE(nearest("decision-tree-filter", kTypes).empty());
  EXPECT_TRUE(nearest("", kTypes).empty());
  EXPECT_TRUE(nearest(std::string(100'000, 'a'), kTypes).empty());
}

TEST(Nearest, SpeaksASentence) {
  EXPECT_EQ(suggestion("queue-scorrer", kTypes), R"(did you mean "queue-scorer"?)");
  EXPECT_EQ(suggestion("zzzz", kTypes), "");
}

}  // namespace
}  // namespace pointsman
