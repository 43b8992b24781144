#include "pointsman/plugins/pickers/pickers.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::make;

std::vector<EndpointIndex> pick(const Picker& picker, const std::vector<double>& totals,
                                std::uint64_t seed) {
  std::vector<EndpointIndex> candidates(totals.size());
  std::iota(candidates.begin(), candidates.end(), 100U);  // an endpoint is not its position
  std::vector<EndpointIndex> out(totals.size());
  Random random(seed);
  Trace trace;
  out.resize(picker.pick(candidates, totals, random, trace, out));
  for (EndpointIndex& e : out) e -= 100;
  return out;
}

// How often each endpoint comes first in 10,000 draws, as a share.
std::vector<double> shares(const Picker& picker, const std::vector<double>& totals) {
  std::vector<double> first(totals.size(), 0.0);
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    first[pick(picker, totals, seed * 7919)[0]] += 1.0 / 10'000;
  }
  return first;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], 0.02) << i;
}

SignalTable& table() {
  static SignalTable shared;
  return shared;
}

TEST(MaxScorePicker, PicksTheBest) {
  const auto one = make<MaxScorePicker>({}, table());
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_EQ(pick(*one, {0.5, 2.0, 1.0}, seed), std::vector<EndpointIndex>{1});
  }
}

TEST(MaxScorePicker, BreaksTiesUniformly) {
  expect_near(shares(*make<MaxScorePicker>({}, table()), {1, 3, 3, 0, 3}),
              {0, 1. / 3, 1. / 3, 0, 1. / 3});
  expect_near(shares(*make<MaxScorePicker>({.max_endpoints = 2}, table()), {1, 3, 3, 0, 3}),
              {0, 1. / 3, 1. / 3, 0, 1. / 3});
}

TEST(MaxScorePicker, OrdersSeveralPicksBestFirst) {
  const auto three = make<MaxScorePicker>({.max_endpoints = 3}, table());
  EXPECT_EQ(pick(*three, {0.1, 0.9, 0.5, 0.7}, 1), (std::vector<EndpointIndex>{1, 3, 2}));
}

TEST(Pickers, PickAtMostWhatThereIs) {
  const auto many = make<MaxScorePicker>({.max_endpoints = 9}, table());
  EXPECT_EQ(pick(*many, {1, 2}, 1).size(), 2U);
  EXPECT_TRUE(pick(*many, {}, 1).empty());
  EXPECT_TRUE(pick(*make<MaxScorePicker>({}, table()), {}, 1).empty());
  EXPECT_TRUE(pick(*make<RandomPicker>({}, table()), {}, 1).empty());
  EXPECT_TRUE(pick(*make<WeightedRandomPicker>({}, table()), {}, 1).empty());
}

TEST(Pickers, TakeANumberBelowOneForOne) {
  EXPECT_EQ(pick(*make<MaxScorePicker>({.max_endpoints = 0}, table()), {1, 2}, 1).size(), 1U);
  EXPECT_EQ(pick(*make<RandomPicker>({.max_endpoints = -3}, table()), {1, 2}, 1).size(), 1U);
}

TEST(Pickers, RepeatThemselvesFromTheSameSeed) {
  const auto weighted = make<WeightedRandomPicker>({.max_endpoints = 3}, table());
  const std::vector<double> totals{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(pick(*weighted, totals, 99), pick(*weighted, totals, 99));
}

TEST(RandomPicker, IgnoresTheTotals) {
  expect_near(shares(*make<RandomPicker>({}, table()), {9, 1, 0, 5}), {.25, .25, .25, .25});
}

TEST(RandomPicker, PicksDistinctEndpoints) {
  const auto four = make<RandomPicker>({.max_endpoints = 4}, table());
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto picked = pick(*four, {1, 1, 1, 1, 1, 1}, seed);
    EXPECT_EQ(std::set<EndpointIndex>(picked.begin(), picked.end()).size(), 4U);
  }
}

TEST(WeightedRandomPicker, PicksInProportionToTheTotals) {
  const auto one = make<WeightedRandomPicker>({}, table());
  expect_near(shares(*one, {10, 90}), {.1, .9});
  expect_near(shares(*one, {100, 100, 100}), {1. / 3, 1. / 3, 1. / 3});
  expect_near(shares(*one, {30, 0}), {1, 0});
  expect_near(shares(*one, {100, 90, 50, 30, 20}),
              {100. / 290, 90. / 290, 50. / 290, 30. / 290, 20. / 290});
}

TEST(WeightedRandomPicker, TellsVerySmallTotalsApartFromNone) {
  const auto one = make<WeightedRandomPicker>({}, table());
  expect_near(shares(*one, {0.0005, 0.0015, 0}), {.25, .75, 0});
}

TEST(WeightedRandomPicker, PutsEndpointsWithoutATotalLast) {
  const auto three = make<WeightedRandomPicker>({.max_endpoints = 3}, table());
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto picked = pick(*three, {0, 1, 0, 2}, seed);
    EXPECT_EQ((std::set<EndpointIndex>{picked[0], picked[1]}), (std::set<EndpointIndex>{1, 3}));
  }
}

TEST(WeightedRandomPicker, IsARandomPickerWhenNothingScores) {
  expect_near(shares(*make<WeightedRandomPicker>({}, table()), {0, 0, 0, 0}), {.25, .25, .25, .25});
}

}  // namespace
}  // namespace pointsman
