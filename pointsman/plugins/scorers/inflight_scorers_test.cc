#include "pointsman/plugins/scorers/inflight_scorers.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::make;
using testing::Scene;
using Scores = std::vector<double>;

// One endpoint per pair of {tokens or requests in flight, uncached tokens of this request}.
struct Inflight {
  Scene scene;
  Column<InFlightLoad> load;
  Column<UncachedTokens> uncached;

  Inflight() : scene({}) {
    pointsman::Setup producer({}, {}, scene.table);
    load = producer.writes<InFlightLoad>({"InFlightLoadDataKey", "inflight-load-producer"});
    uncached =
        producer.writes<UncachedTokens>({"UncachedRequestTokensDataKey", "inflight-load-producer"});
  }
};

Scores by_tokens(const std::vector<std::pair<int, int>>& tokens, const TokenLoadParams& params) {
  Inflight state;
  std::vector<testing::Server> servers;
  for (std::size_t i = 0; i < tokens.size(); ++i) servers.push_back({.name = std::to_string(i)});
  state.scene.fleet = testing::fleet_of(servers);
  const auto scorer = make<TokenLoadScorer>(params, state.scene.table);
  state.scene.begin();
  for (EndpointIndex e = 0; e < tokens.size(); ++e) {
    state.scene.signals.write(state.load)[e] = {.tokens = tokens[e].first};
    state.scene.signals.write(state.uncached)[e] = {.tokens = tokens[e].second};
  }
  return testing::scores(*scorer, state.scene);
}

Scores by_requests(const std::vector<int>& requests, const ActiveRequestParams& params = {}) {
  Inflight state;
  std::vector<testing::Server> servers;
  for (std::size_t i = 0; i < requests.size(); ++i) servers.push_back({.name = std::to_string(i)});
  state.scene.fleet = testing::fleet_of(servers);
  const auto scorer = make<ActiveRequestScorer>(params, state.scene.table);
  state.scene.begin();
  for (EndpointIndex e = 0; e < requests.size(); ++e) {
    state.scene.signals.write(state.load)[e] = {.requests = requests[e]};
  }
  return testing::scores(*scorer, state.scene);
}

TEST(TokenLoadScorer, FallsWithTokensInFlightAndOfThisRequest) {
  const TokenLoadParams thousand{.threshold = 1000};
  EXPECT_EQ(by_tokens({{0, 0}, {500, 0}, {1000, 0}}, thousand), (Scores{1, 0.5, 0}));
  EXPECT_EQ(by_tokens({{0, 250}, {250, 250}, {750, 250}}, thousand), (Scores{0.75, 0.5, 0}));
  EXPECT_EQ(by_tokens({{-5, 0}, {9000, 0}}, thousand), (Scores{1, 0}));
}

TEST(TokenLoadScorer, TakesTheDefaultForAThresholdBelowOne) {
  EXPECT_EQ(by_tokens({{2'097'152, 0}}, {.threshold = 0}), Scores{0.5});
}

TEST(ActiveRequestScorer, FallsWithRequestsInFlight) {
  EXPECT_EQ(by_requests({3, 0, 6}), (Scores{0.5, 1, 0}));
  EXPECT_EQ(by_requests({4, 0, 1}), (Scores{0, 1, 0.75}));
  const Scores scores = by_requests({3, 11});
  EXPECT_DOUBLE_EQ(scores[0], 0.7272727272727273);
  EXPECT_EQ(scores[1], 0.0);
}

TEST(ActiveRequestScorer, TellsIdleFromBusy) {
  EXPECT_EQ(by_requests({1, 2, 0}, {.idle_threshold = 1, .max_busy_score = 0.5}),
            (Scores{1, 0, 1}));
  EXPECT_EQ(by_requests({1, 0}, {.max_busy_score = 0.0}), (Scores{0, 1}));
  EXPECT_EQ(by_requests({1, 2}, {.idle_threshold = -3, .max_busy_score = 7.0}), (Scores{0.5, 0}));
}

TEST(InflightScorers, GiveNoScoreWhenNobodyCounts) {
  Inflight state;
  state.scene.fleet = testing::fleet_of({{.name = "a"}, {.name = "b"}});
  const auto tokens = make<TokenLoadScorer>({}, state.scene.table);
  const auto requests = make<ActiveRequestScorer>({}, state.scene.table);
  state.scene.begin();
  EXPECT_TRUE(std::isnan(testing::scores(*tokens, state.scene)[0]));
  EXPECT_TRUE(std::isnan(testing::scores(*requests, state.scene)[1]));
}

}  // namespace
}  // namespace pointsman
