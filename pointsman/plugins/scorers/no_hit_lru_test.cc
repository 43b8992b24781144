#include "pointsman/plugins/scorers/no_hit_lru.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/testing/allocations.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::Scene;
using Scores = std::vector<double>;

// A scorer before endpoints A, B, C and two more, and the steps of one request after the other.
struct Bench {
  Scene scene{{{.name = "A"}, {.name = "B"}, {.name = "C"}, {.name = "X"}, {.name = "Y"}}};
  std::shared_ptr<NoHitLruScorer> scorer;
  Column<PrefixMatch> match;
  Decision decision;
  Samples samples;
  HeaderEdits headers;
  Effects effects{samples, headers};

  explicit Bench(const NoHitLruParams& params = {}) {
    scorer = testing::make<NoHitLruScorer>(params, scene.table);
    pointsman::Setup others({}, {}, scene.table);
    match =
        others.writes<PrefixMatch>({"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"});
    auto plan = std::make_shared<Plan>();
    plan->profiles = {{.name = "decode"}, {.name = "prefill"}};
    decision.plan = plan;
  }
  // `holder` holds a block of the prompt.
  void begin(EndpointIndex holder = kNoEndpoint) {
    scene.begin();
    const auto column = scene.signals.write(match);
    if (holder != kNoEndpoint) column[holder] = {.match = 1, .total = 2};
    EXPECT_TRUE(scorer->produce(scene.context(), scene.all(), scene.signals));
  }
  Scores scores(const std::vector<EndpointIndex>& candidates = {0, 1, 2}) {
    Scores out(candidates.size(), kMissing);
    scorer->score(scene.context(), candidates, out);
    return out;
  }
  void send(EndpointIndex decode, EndpointIndex prefill = kNoEndpoint) {
    decision.candidates = scene.all();
    const auto n = static_cast<std::uint32_t>(decision.candidates.size());
    decision.picks = {decode};
    decision.runs = {{.profile = 0, .candidates = n, .picks = 1}};
    if (prefill != kNoEndpoint) {
      decision.picks.push_back(prefill);
      decision.runs.push_back({.profile = 1, .candidates = n, .first_pick = 1, .picks = 1});
    }
    decision.primary = 0;
    scorer->dispatched(scene.context(), decision, effects);
  }
  void use(const std::vector<EndpointIndex>& order) {
    for (const EndpointIndex e : order) {
      begin();
      send(e);
    }
    begin();
  }
};

TEST(NoHitLruScorer, RanksByLastUse) {
  Bench none;
  none.begin();
  EXPECT_EQ(none.scores(), (Scores{1, 0.5, 0}));
  Bench one;
  one.use({0});
  EXPECT_EQ(one.scores(), (Scores{0, 1, 0.5}));
  Bench two;
  two.use({0, 1});
  EXPECT_EQ(two.scores(), (Scores{0.5, 0, 1}));
  Bench all;
  all.use({0, 1, 2});
  EXPECT_EQ(all.scores(), (Scores{1, 0.5, 0}));
}

TEST(NoHitLruScorer, RanksCandidatesOnly) {
  Bench bench;
  bench.use({3, 4, 0, 1});
  EXPECT_EQ(bench.scores({0, 1}), (Scores{1, 0}));
  EXPECT_EQ(bench.scores({1}), Scores{1});
}

TEST(NoHitLruScorer, SaysNothingWhenSomebodyHoldsThePrompt) {
  Bench bench;
  bench.begin(1);
  EXPECT_EQ(bench.scores(), (Scores{0.5, 0.5, 0.5}));
  bench.send(0);
  bench.begin();
  EXPECT_EQ(bench.scores(), (Scores{1, 0.5, 0}));  // a warm request is no use
}

TEST(NoHitLruScorer, JudgesEachProfileByItsOwnCandidates) {
  Bench bench;
  bench.begin(2);
  EXPECT_EQ(bench.scores({0, 1}), (Scores{1, 0}));
  EXPECT_EQ(bench.scores({0, 2}), (Scores{0.5, 0.5}));
}

TEST(NoHitLruScorer, CountsThePrefillEndpointToo) {
  Bench bench;
  bench.begin();
  bench.send(0, 1);
  bench.begin();
  EXPECT_EQ(bench.scores(), (Scores{0.5, 0, 1}));
}

TEST(NoHitLruScorer, RemembersSoManyEndpoints) {
  Bench bench({.lru_size = 1});
  bench.use({0, 1});
  EXPECT_EQ(bench.scores(), (Scores{1, 0, 0.5}));  // the use of A is forgotten
}

TEST(NoHitLruScorer, ShowsItsOrderOfUse) {
  Bench bench;
  EXPECT_EQ(bench.scorer->dump(bench.scene.fleet),
            R"({"endpoints":null,"totalEndpoints":0,"maxEndpoints":100})");
  bench.use({2, 0, 2, 1});
  const std::string a = bench.scene.fleet[0].id;
  const std::string b = bench.scene.fleet[1].id;
  const std::string c = bench.scene.fleet[2].id;
  EXPECT_EQ(bench.scorer->dump(bench.scene.fleet),
            R"({"endpoints":[")" + a + R"(",")" + c + R"(",")" + b +
                R"("],"totalEndpoints":3,"maxEndpoints":100})");
  EXPECT_EQ(bench.scorer->dump(Fleet()),
            R"({"endpoints":null,"totalEndpoints":3,"maxEndpoints":100})")
      << "those that have left have no name";
}

TEST(NoHitLruScorer, AllocatesNothing) {
  Bench bench;
  bench.use({0, 1, 2});
  Scores out(3);
  const std::vector<EndpointIndex> candidates{0, 1, 2};
  bench.scorer->score(bench.scene.context(), candidates, out);
  const auto before = testing::allocations();
  bench.scorer->score(bench.scene.context(), candidates, out);
  EXPECT_EQ(testing::allocations(), before);
}

}  // namespace
}  // namespace pointsman
