#include "pointsman/plugins/producers/topology_extractor.h"

#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/testing/allocations.h"
#include "pointsman/plugins/filters/topology_affinity.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::Scene;

std::vector<Topology> extracted(const TopologyExtractorParams& params,
                                const std::vector<testing::Server>& servers) {
  Scene scene(servers);
  const auto extractor = testing::make<TopologyExtractor>(params, scene.table);
  pointsman::Setup reader({}, {}, scene.table);
  const auto column = reader.reads<Topology>({"Topology", "topology-extractor"});
  scene.begin();
  EXPECT_TRUE(extractor->produce(scene.context(), scene.all(), scene.signals));
  const auto places = scene.signals.read(column);
  return {places.begin(), places.end()};
}

TEST(TopologyExtractor, ReadsTheUsualLabels) {
  const auto places = extracted(
      {}, {{.name = "a",
            .labels = {{"kubernetes.io/hostname", "n1"},
                       {"topology.kubernetes.io/rack", "r"},
                       {"topology.kubernetes.io/zone", "z"},
                       {"topology.kubernetes.io/region", "eu"}}},
           {.name = "b",
            .labels = {{"kubernetes.io/hostname", "n2"}, {"topology.kubernetes.io/rack", "r"}}},
           {.name = "c", .labels = {{"kubernetes.io/hostname", ""}}}});
  EXPECT_EQ(nearness(places[0], places[0]), Nearness::host);
  EXPECT_EQ(nearness(places[0], places[1]), Nearness::rack);
  EXPECT_EQ(places[1].zone, 0U);
  EXPECT_EQ(nearness(places[0], places[2]), Nearness::none);
  EXPECT_EQ(places[2].host, 0U);
}

TEST(TopologyExtractor, ReadsTheLabelsItIsTold) {
  const auto places = extracted({.zone = "dc"}, {{.name = "a", .labels = {{"dc", "x"}}},
                                                 {.name = "b", .labels = {{"dc", "x"}}}});
  EXPECT_EQ(nearness(places[0], places[1]), Nearness::zone);
}

TEST(TopologyExtractor, WorksThePlacesOutOncePerList) {
  Scene scene({{.name = "a", .labels = {{"kubernetes.io/hostname", "n1"}}}});
  const auto extractor = testing::make<TopologyExtractor>({}, scene.table);
  scene.begin();
  const Context context = scene.context();
  EXPECT_TRUE(extractor->produce(context, {}, scene.signals));
  const auto before = testing::allocations();
  EXPECT_TRUE(extractor->produce(context, {}, scene.signals));
  EXPECT_EQ(testing::allocations(), before);
}

}  // namespace
}  // namespace pointsman
