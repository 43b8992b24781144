#include "pointsman/plugins/producers/prefix_index.h"

#include <algorithm>
#include <list>
#include <map>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/random.h"

namespace pointsman {
namespace {

using Chain = std::vector<std::uint64_t>;

// A hash of anything: the blocks of prompt `prompt` up to `block`, where prompts that agree in
// their path share blocks.
std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  return Random(a * 0x9E3779B97F4A7C15U + b).next();
}

// A chain that takes `turns` of the walk in a tree.
Chain chain_of(const std::vector<std::uint64_t>& walk, std::size_t blocks_per_turn) {
  Chain chain;
  std::uint64_t hash = 1;
  for (const std::uint64_t turn : walk) {
    for (std::size_t i = 0; i < blocks_per_turn; ++i) chain.push_back(hash = mixed(hash, turn + i));
  }
  return chain;
}

std::vector<std::int32_t> matches(const PrefixIndex& index, const Chain& chain,
                                  const std::vector<EndpointKey>& endpoints) {
  Arena arena;
  std::vector<std::int32_t> out(endpoints.size());
  PrefixIndex::Match(index, endpoints, out, arena).add(chain);
  return out;
}

std::vector<EndpointKey> keys(std::uint32_t count) {
  std::vector<EndpointKey> all(count);
  for (std::uint32_t i = 0; i < count; ++i) all[i].value = i;
  return all;
}

// The same by the letter: a list of hashes per endpoint, searched from end to end.
class NaiveIndex {
 public:
  void insert(EndpointKey endpoint, const Chain& chain, std::size_t capacity) {
    std::list<std::uint64_t>& blocks = lists_[endpoint.value];
    const std::size_t length = std::min(chain.size(), capacity);
    for (std::size_t i = length; i > 0; --i) {
      blocks.remove(chain[i - 1]);
      blocks.push_front(chain[i - 1]);
    }
    while (blocks.size() > capacity) blocks.pop_back();
  }
  void remove(EndpointKey endpoint) { lists_.erase(endpoint.value); }
  std::int32_t match(EndpointKey endpoint, const Chain& chain) {
    const std::list<std::uint64_t>& blocks = lists_[endpoint.value];
    std::int32_t count = 0;
    for (const std::uint64_t hash : chain) {
      if (std::ranges::find(blocks, hash) == blocks.end()) break;
      ++count;
    }
    return count;
  }
  std::size_t size() const {
    std::size_t sum = 0;
    for (const auto& [endpoint, blocks] : lists_) sum += blocks.size();
    return sum;
  }

 private:
  std::map<std::uint32_t, std::list<std::uint64_t>> lists_;
};

TEST(PrefixIndex, FindsWhatWasInsertedForEachEndpoint) {
  PrefixIndex index;
  const Chain chain = chain_of({1, 2, 3, 4}, 5);
  index.insert({0}, std::span(chain).first(20), 100);
  index.insert({1}, std::span(chain).first(7), 100);
  index.insert({3}, std::span(chain).first(1), 100);
  EXPECT_EQ(matches(index, chain, keys(4)), (std::vector{20, 7, 0, 1}));
  EXPECT_EQ(matches(index, chain_of({1, 9}, 5), keys(4)), (std::vector{5, 5, 0, 1}));
  EXPECT_EQ(matches(index, chain_of({9}, 5), keys(4)), (std::vector{0, 0, 0, 0}));
  EXPECT_EQ(matches(index, {}, keys(4)), (std::vector{0, 0, 0, 0}));
  EXPECT_EQ(index.size(), 28U);
}

TEST(PrefixIndex, AddsToWhatWasMatchedBefore) {
  PrefixIndex index;
  const Chain chain = chain_of({1}, 5);
  index.insert({0}, chain, 100);
  Arena arena;
  std::vector<std::int32_t> out{10};
  const auto one = keys(1);
  PrefixIndex::Match match(index, one, out, arena);
  match.add(chain);
  match.add(std::span(chain).first(2));
  EXPECT_EQ(out[0], 17);
}

TEST(PrefixIndex, KeepsNoMoreThanItsCapacityAndForgetsTheRest) {
  PrefixIndex index;
  const Chain chain = chain_of({1}, 16);
  index.insert({0}, chain, 6);
  index.insert({0}, chain, 6);
  EXPECT_EQ(index.size(), 6U);
  EXPECT_EQ(matches(index, chain, keys(1)), std::vector{6});
}

TEST(PrefixIndex, EvictsTailsBeforeHeads) {
  PrefixIndex index;
  const Chain old = chain_of({1}, 10);
  index.insert({0}, old, 12);
  index.insert({0}, chain_of({2}, 8), 12);
  EXPECT_EQ(matches(index, old, keys(1)), std::vector{4});
  // What is used again stays.
  index.insert({0}, std::span(old).first(2), 12);
  index.insert({0}, chain_of({3}, 10), 12);
  EXPECT_EQ(matches(index, old, keys(1)), std::vector{2});
}

TEST(PrefixIndex, FollowsACapacityThatShrinks) {
  PrefixIndex index;
  const Chain chain = chain_of({1}, 10);
  index.insert({0}, chain, 10);
  index.insert({0}, std::span(chain).first(1), 3);
  EXPECT_EQ(matches(index, chain, keys(1)), std::vector{3});
}

TEST(PrefixIndex, ForgetsEndpointsThatLeft) {
  PrefixIndex index;
  const Chain chain = chain_of({1}, 10);
  index.insert({0}, chain, 100);
  index.insert({1}, chain, 100);
  index.retain([](EndpointKey key) { return key.value == 1; });
  EXPECT_EQ(matches(index, chain, keys(2)), (std::vector{0, 10}));
  EXPECT_EQ(index.size(), 10U);
}

TEST(PrefixIndex, DoesNotMistakeAnEndpointForTheOneThatHadItsSlot) {
  PrefixIndex index;
  const EndpointKey old{5};
  const EndpointKey fresh{5 + (1U << 16U)};
  const Chain chain = chain_of({1}, 10);
  index.insert(old, chain, 100);
  EXPECT_EQ(matches(index, chain, {fresh}), std::vector{0});
  index.insert(fresh, std::span(chain).first(3), 100);
  EXPECT_EQ(matches(index, chain, {fresh}), std::vector{3});
  EXPECT_EQ(matches(index, chain, {old}), std::vector{0});
  // A late word about the one that left does not throw out its successor.
  index.insert(old, chain, 100);
  EXPECT_EQ(matches(index, chain, {fresh}), std::vector{3});
  EXPECT_EQ(index.size(), 3U);
}

TEST(PrefixIndex, SurvivesAHashThatStandsTwiceInAChain) {
  PrefixIndex index;
  for (int round = 0; round < 3; ++round) {
    index.insert({0}, Chain{1, 2, 1, 2, 3, 3, 4}, 5);
    index.insert({0}, Chain{4, 4, 2, 1}, 5);
  }
  EXPECT_LE(index.size(), 5U);
  index.retain([](EndpointKey) { return false; });
  EXPECT_EQ(index.size(), 0U);
  EXPECT_EQ(matches(index, {1, 2}, keys(1)), std::vector{0});
}

TEST(PrefixIndex, AgreesWithASearchFromEndToEnd) {
  Random random(3);
  for (const std::uint32_t endpoints : {1U, 3U, 70U}) {
    PrefixIndex index;
    NaiveIndex naive;
    const auto all = keys(endpoints);
    const std::size_t capacity = 5 + random.below(200);
    for (int step = 0; step < 3000; ++step) {
      std::vector<std::uint64_t> walk(1 + random.below(6));
      for (std::uint64_t& turn : walk) turn = random.below(3);
      const Chain chain = chain_of(walk, 1 + random.below(4) * random.below(4));
      const EndpointKey one = all[random.below(all.size())];
      if (random.below(500) == 0) {
        index.retain([one](EndpointKey key) { return key != one; });
        naive.remove(one);
      } else if (random.below(3) == 0) {
        const auto found = matches(index, chain, all);
        for (std::size_t i = 0; i < all.size(); ++i) {
          ASSERT_EQ(found[i], naive.match(all[i], chain)) << step;
        }
      } else {
        index.insert(one, chain, capacity);
        naive.insert(one, chain, capacity);
        ASSERT_EQ(index.size(), naive.size()) << step;
      }
    }
  }
}

TEST(PrefixIndex, MatchesLongChainsWhereHoldersDropOutEverywhere) {
  PrefixIndex index;
  const Chain chain = chain_of({1}, 1600);
  const auto all = keys(100);
  std::vector<std::int32_t> expected;
  for (std::uint32_t e = 0; e < 100; ++e) {
    const std::size_t held = (e * 37) % 1601;
    index.insert(all[e], std::span(chain).first(held), 31'250);
    expected.push_back(static_cast<std::int32_t>(held));
  }
  EXPECT_EQ(matches(index, chain, all), expected);
}

TEST(PrefixIndex, ServesAllWorkersAtOnce) {
  PrefixIndex index;
  const auto all = keys(8);
  constexpr std::size_t kCapacity = 300;
  std::vector<std::jthread> workers;
  for (std::uint64_t worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&index, &all, worker] {
      Random random(worker);
      Arena arena;
      for (int step = 0; step < 2000; ++step) {
        const Chain chain = chain_of({random.below(3), random.below(5), random.below(20)}, 20);
        std::vector<std::int32_t> out(all.size());
        arena.reset();
        PrefixIndex::Match(index, all, out, arena).add(chain);
        for (const std::int32_t count : out) {
          EXPECT_GE(count, 0);
          EXPECT_LE(count, static_cast<std::int32_t>(chain.size()));
        }
        index.insert(all[random.below(all.size())], chain, kCapacity);
        if (step % 500 == 250) {
          index.retain(
              [step](EndpointKey key) { return key.value != static_cast<unsigned>(step) % 8; });
        }
      }
    });
  }
  workers.clear();
  EXPECT_LE(index.size(), all.size() * kCapacity);
  const Chain last = chain_of({7, 7, 7}, 20);
  index.insert(all[2], last, kCapacity);
  EXPECT_EQ(matches(index, last, all)[2], 60);
  index.retain([](EndpointKey) { return false; });
  EXPECT_EQ(index.size(), 0U);
}

}  // namespace
}  // namespace pointsman
