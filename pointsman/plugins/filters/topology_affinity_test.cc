#include "pointsman/plugins/filters/topology_affinity.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::make;
using testing::Scene;
using Names = std::vector<std::string>;

constexpr Topology kPeer{.host = 1, .rack = 2, .zone = 3, .region = 4};

// A peer, then one endpoint on its host, in its rack, zone, region, elsewhere, and one unplaced.
struct Places {
  Scene scene{{{.name = "peer"},
               {.name = "host"},
               {.name = "rack"},
               {.name = "zone"},
               {.name = "region"},
               {.name = "far"},
               {.name = "unknown"}}};
  Column<Topology> column;

  Places() {
    pointsman::Setup producer({}, {}, scene.table);
    column = producer.writes<Topology>({"Topology", "topology-extractor"});
  }
  void begin() {
    scene.begin();
    const std::vector<Topology> places{
        kPeer, kPeer, {9, 2, 3, 4}, {9, 9, 3, 4}, {9, 9, 9, 4}, {9, 9, 9, 9}, {}};
    std::ranges::copy(places, scene.signals.write(column).begin());
  }
  Context context(EndpointIndex peer) {
    Context context = scene.context();
    context.peer = peer;
    return context;
  }
  Names kept(const std::string& level, EndpointIndex peer = 0) {
    const auto filter = make<TopologyAffinityFilter>({.min_affinity = level}, scene.table);
    begin();
    auto all = scene.all();
    std::vector<Drop> drops;
    Candidates candidates(all, drops);
    filter->filter(context(peer), candidates);
    return scene.names(candidates.list());
  }
};

TEST(TopologyAffinityFilter, KeepsThoseNearEnough) {
  Places places;
  EXPECT_EQ(places.kept("host"), (Names{"peer", "host"}));
  EXPECT_EQ(places.kept("rack"), (Names{"peer", "host", "rack"}));
  EXPECT_EQ(places.kept("zone"), (Names{"peer", "host", "rack", "zone"}));
  EXPECT_EQ(places.kept("region"), (Names{"peer", "host", "rack", "zone", "region"}));
}

TEST(TopologyAffinityFilter, KeepsAllWithoutAPeerOrWhenNobodyIsNear) {
  Places places;
  EXPECT_EQ(places.kept("host", kNoEndpoint).size(), 7U);
  EXPECT_EQ(places.kept("host", 6).size(), 7U);
  const auto filter = make<TopologyAffinityFilter>({}, places.scene.table);
  places.begin();
  std::vector<EndpointIndex> far{5, 6};
  std::vector<Drop> drops;
  Candidates candidates(far, drops);
  filter->filter(places.context(0), candidates);
  EXPECT_EQ(candidates.size(), 2U);
}

TEST(TopologyAffinityScorer, ScoresByNearness) {
  Places places;
  const auto scorer = make<TopologyAffinityScorer>({}, places.scene.table);
  places.begin();
  const auto all = places.scene.all();
  std::vector<double> out(all.size(), kMissing);
  scorer->score(places.context(0), all, out);
  EXPECT_EQ(std::vector<double>(out.begin(), out.end() - 1),
            (std::vector{1.0, 1.0, 0.2, 0.05, 0.02, 0.0}));
  EXPECT_TRUE(std::isnan(out.back()));
}

TEST(TopologyAffinityScorer, GivesNoScoreWithoutAPeer) {
  Places places;
  const auto scorer = make<TopologyAffinityScorer>({}, places.scene.table);
  places.begin();
  for (const double score : testing::scores(*scorer, places.scene)) {
    EXPECT_TRUE(std::isnan(score));
  }
}

TEST(TopologyFilterParams, KnowFourLevels) {
  EXPECT_EQ(TopologyFilterParams::check({.min_affinity = "planet"}).error().message,
            "invalid topology level \"planet\", must be one of host, rack, zone, region");
}

}  // namespace
}  // namespace pointsman
