#include "pointsman/plugins/scorers/multicluster.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::Scene;
using Scores = std::vector<double>;

template <typename S>
Scores scored(const std::string& key, const std::vector<double>& values) {
  std::vector<testing::Server> servers;
  for (std::size_t i = 0; i < values.size(); ++i) servers.push_back({.name = std::to_string(i)});
  Scene scene(servers);
  for (EndpointIndex e = 0; e < values.size(); ++e) {
    if (!std::isnan(values[e])) scene.fleet.set_attribute(e, key, values[e], scene.now);
  }
  return testing::scores(*testing::make<S>({}, scene.table), scene);
}

TEST(MulticlusterQueueScorer, ScalesBetweenTheClusters) {
  const std::string key = "llm-d.ai/multicluster-queue-size/";
  EXPECT_EQ(scored<MulticlusterQueueScorer>(key, {2, 6, 10}), (Scores{1, 0.5, 0}));
  EXPECT_EQ(scored<MulticlusterQueueScorer>(key, {4, 4}), (Scores{1, 1}));
  const Scores some = scored<MulticlusterQueueScorer>(key, {2, kMissing, 10});
  EXPECT_EQ(some[0], 1.0);
  EXPECT_TRUE(std::isnan(some[1]));
  EXPECT_TRUE(std::isnan(scored<MulticlusterQueueScorer>(key, {kMissing})[0]));
}

TEST(MulticlusterKvCacheScorer, ScoresTheFreeShare) {
  const std::string key = "llm-d.ai/multicluster-kv-cache-utilization/";
  EXPECT_EQ(scored<MulticlusterKvCacheScorer>(key, {0.25, 1}), (Scores{0.75, 0}));
  EXPECT_TRUE(std::isnan(scored<MulticlusterKvCacheScorer>(key, {0.25, kMissing})[1]));
}

TEST(MulticlusterScorers, RequireTheirMetric) {
  SignalTable table;
  pointsman::Setup setup({"t", "n"}, {}, table);
  const MulticlusterQueueScorer scorer({}, setup);
  const auto declared = setup.take_declarations();
  ASSERT_EQ(declared.size(), 1U);
  EXPECT_EQ(declared[0].key.text(), "llm-d.ai/multicluster-queue-size/");
  EXPECT_EQ(declared[0].access, Declaration::Access::requires_it);
}

}  // namespace
}  // namespace pointsman
