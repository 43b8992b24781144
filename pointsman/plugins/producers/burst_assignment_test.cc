#include "pointsman/plugins/producers/burst_assignment.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using Ids = std::vector<std::uint64_t>;

// `count` requests of one prompt; a block is told by the blocks up to it, as chained hashes are.
struct Some {
  int count;
  Ids prompt;
};

struct Burst {
  std::vector<Ids> chains;
  std::vector<int> assigned;

  Burst(const std::vector<Some>& prompts, std::size_t pods, const BurstRules& rules) {
    for (const Some& some : prompts) {
      Ids chain;
      std::uint64_t before = 7;
      for (const std::uint64_t token : some.prompt) {
        before = (before ^ token) * 0x9E3779B97F4A7C15U;
        chain.push_back(before);
      }
      for (int i = 0; i < some.count; ++i) chains.push_back(chain);
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < pods; ++i) names.push_back("pod" + std::to_string(i + 1));
    std::vector<BurstReplica> replicas;
    for (const std::string& name : names) replicas.push_back({.running = 0, .id = name});
    const std::vector<std::span<const std::uint64_t>> requests(chains.begin(), chains.end());
    assigned = assign_burst(rules, requests, replicas);
  }
  // Requests per pod.
  std::vector<int> loads(std::size_t pods) const {
    std::vector<int> out(pods, 0);
    for (const int a : assigned) {
      if (a >= 0) ++out[static_cast<std::size_t>(a)];
    }
    return out;
  }
};

using Loads = std::vector<int>;
BurstRules rules(int k, std::size_t m, bool tokens = false) {
  return {.max_per_replica = k, .min_colocate = m, .balance_by_tokens = tokens};
}

TEST(BurstAssignment, SendsEqualPromptsTogether) {
  const std::vector<Some> eight{{8, {1, 2, 3}}};
  EXPECT_EQ(Burst(eight, 4, rules(-1, 0)).loads(4), (Loads{8, 0, 0, 0}));
  EXPECT_EQ(Burst(eight, 4, rules(2, 0)).loads(4), (Loads{2, 2, 2, 2}));
  EXPECT_EQ(Burst(eight, 4, rules(4, 0)).loads(4), (Loads{4, 4, 0, 0}));
  EXPECT_EQ(Burst(eight, 2, rules(2, 0)).loads(2), (Loads{4, 4}));
}

TEST(BurstAssignment, SaysNothingOfLonePrompts) {
  EXPECT_EQ(Burst({{1, {1, 2, 3}}}, 4, rules(-1, 0)).assigned, Loads{-1});
  EXPECT_EQ(Burst({{3, {}}}, 4, rules(-1, 0)).assigned, (Loads{-1, -1, -1}));
}

TEST(BurstAssignment, BalancesGroups) {
  EXPECT_EQ(Burst({{8, {1, 2, 3}}, {8, {9, 9, 9}}}, 4, rules(-1, 0)).loads(4), (Loads{8, 8, 0, 0}));
}

TEST(BurstAssignment, KeepsFamiliesTogether) {
  const std::vector<Some> families{{2, {1, 2, 3}}, {2, {1, 2, 4}}, {2, {7, 8, 5}}, {2, {7, 8, 6}}};
  EXPECT_EQ(Burst(families, 2, rules(-1, 2)).assigned, (Loads{0, 0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(Burst(families, 2, rules(-1, 3)).assigned, (Loads{0, 0, 1, 1, 0, 0, 1, 1}));
  const std::vector<Some> one{{2, {1, 2, 3}}, {2, {1, 2, 4}}, {2, {1, 2, 5}}, {2, {1, 2, 6}}};
  EXPECT_EQ(Burst(one, 4, rules(-1, 2)).loads(4), (Loads{2, 2, 2, 2}));
}

TEST(BurstAssignment, LetsALonePromptFollowItsFamily) {
  const std::vector<Some> mixed{{2, {1, 2, 3}}, {1, {1, 2, 8}}, {2, {7, 8, 5}}, {1, {7, 8, 9}}};
  EXPECT_EQ(Burst(mixed, 2, rules(-1, 2)).assigned, (Loads{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(Burst({{2, {1, 2, 3}}, {1, {5, 5, 5}}}, 2, rules(-1, 2)).assigned, (Loads{0, 0, -1}));
  const std::vector<Some> lone{{1, {1, 2, 3}}, {1, {1, 2, 4}}, {1, {1, 2, 5}}, {1, {1, 2, 6}}};
  EXPECT_EQ(Burst(lone, 2, rules(-1, 2)).loads(2), (Loads{2, 2}));
}

TEST(BurstAssignment, CanBalanceByTokens) {
  const std::vector<Some> uneven{{2, {1, 2, 3, 4}}, {2, {5}}, {2, {6}}};
  EXPECT_EQ(Burst(uneven, 2, rules(-1, 0)).assigned, (Loads{0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(Burst(uneven, 2, rules(-1, 0, true)).assigned, (Loads{0, 0, 1, 1, 1, 1}));
  const auto almost = [](std::uint64_t last) { return Ids{1, 2, 3, 4, 5, 6, 7, 8, 9, last}; };
  EXPECT_EQ(
      Burst({{2, almost(10)}, {2, almost(11)}, {2, almost(12)}}, 2, rules(-1, 9, true)).assigned,
      (Loads{0, 0, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace pointsman
