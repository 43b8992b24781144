#include "pointsman/plugins/scorers/precise_prefix_cache.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::Scene;

TEST(PrecisePrefixCacheScorer, StandsForAScorerOfTheOnlyProducer) {
  SignalTable table;
  pointsman::Setup setup({"precise-prefix-cache-scorer", "cache"}, {}, table,
                         {{"precise-prefix-cache-producer", "gpu"}});
  EXPECT_TRUE(PrecisePrefixCacheScorer::ignores_parameters(setup));
  const PrecisePrefixCacheScorer scorer({}, setup);
  EXPECT_EQ(setup.name().text(), "cache/prefix-cache-scorer");
  EXPECT_EQ(setup.take_declarations()[0].key.text(), "PrefixCacheMatchInfoDataKey/gpu");
}

TEST(PrecisePrefixCacheScorer, RefusesToChooseBetweenProducers) {
  SignalTable table;
  const pointsman::Setup setup(
      {"precise-prefix-cache-scorer", "cache"}, {}, table,
      {{"precise-prefix-cache-producer", "gpu"}, {"precise-prefix-cache-producer", "cpu"}});
  EXPECT_NE(PrecisePrefixCacheScorer::accept({}, setup).error().message.find(
                "multiple precise-prefix-cache-producer instances"),
            std::string::npos);
}

TEST(PrecisePrefixCacheScorer, ReadsTheIndexUnderItsOwnName) {
  Scene scene({{.name = "a"}, {.name = "b"}});
  pointsman::Setup setup({"precise-prefix-cache-scorer", "cache"}, {}, scene.table);
  EXPECT_FALSE(PrecisePrefixCacheScorer::ignores_parameters(setup));
  const PrecisePrefixCacheScorer scorer({}, setup);
  EXPECT_EQ(setup.name().type, "precise-prefix-cache-scorer");
  pointsman::Setup index({}, {}, scene.table);
  const auto match = index.writes<PrefixMatch>({"PrefixCacheMatchInfoDataKey", "cache"});
  scene.begin();
  scene.signals.write(match)[0] = {.match = 1, .total = 4, .block_tokens = 16};
  scene.signals.write(match)[1] = {.match = 4, .total = 4, .block_tokens = 16};
  EXPECT_EQ(testing::scores(scorer, scene), (std::vector{0.25, 1.0}));
}

}  // namespace
}  // namespace pointsman
