#include "pointsman/plugins/admitters/probabilistic.h"

#include <limits>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Bench {
  explicit Bench(const std::vector<testing::Server>& servers,
                 const ProbabilisticParams& params = {})
      : scene(servers), admitter(testing::make<ProbabilisticAdmitter>(params, scene.table)) {
    scene.begin();
    scene.request.priority = -1;
  }
  double saturation() { return admitter->saturation(scene.context(), scene.all()); }
  // Of 1000 draws, how many let the request in.
  int admitted() {
    int count = 0;
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
      count += admitter->admit(scene.context(), scene.all(), Random(seed)).has_value() ? 1 : 0;
    }
    return count;
  }

  testing::Scene scene;
  std::shared_ptr<ProbabilisticAdmitter> admitter;
};

// The vectors of spec/03 section 15.3.
TEST(ProbabilisticAdmitter, KnowsHowFullEndpointsAre) {
  EXPECT_DOUBLE_EQ(Bench({{.name = "a", .waiting = 100, .kv_usage = 0}}).saturation(), 20);
  EXPECT_DOUBLE_EQ(Bench({{.name = "a", .waiting = 0, .kv_usage = 0}}).saturation(), 0);
  EXPECT_DOUBLE_EQ(Bench({{.name = "a", .waiting = 10, .kv_usage = 0},
                          {.name = "b", .waiting = 0, .kv_usage = 0}})
                       .saturation(),
                   1.0);
  EXPECT_DOUBLE_EQ(Bench({{.name = "a", .waiting = 0, .kv_usage = 0.272}}).saturation(), 0.34);
  EXPECT_DOUBLE_EQ(Bench({{.name = "a", .waiting = 0, .kv_usage = 0.16}}).saturation(), 0.2);
}

TEST(ProbabilisticAdmitter, TakesWhoSaysNothingForFull) {
  EXPECT_DOUBLE_EQ(Bench({{.name = "a", .waiting = kNaN, .kv_usage = kNaN}}).saturation(), 1.0);
  EXPECT_DOUBLE_EQ(Bench({{.name = "a", .waiting = kNaN, .kv_usage = 0.16}}).saturation(), 0.2);
}

TEST(ProbabilisticAdmitter, TurnsThatIntoAProbability) {
  const Bench bench({{.name = "a"}});
  EXPECT_DOUBLE_EQ(bench.admitter->probability(20), 1);
  EXPECT_DOUBLE_EQ(bench.admitter->probability(0), 0);
  EXPECT_DOUBLE_EQ(bench.admitter->probability(0.34), 1);
  EXPECT_NEAR(bench.admitter->probability(0.2), 0.096, 1e-9);
  EXPECT_NEAR(bench.admitter->probability(0.15), 0.02278, 1e-5);
  EXPECT_NEAR(bench.admitter->probability(0.30), 0.729, 1e-9);
}

TEST(ProbabilisticAdmitter, RefusesThatOften) {
  EXPECT_EQ(Bench({{.name = "a", .waiting = 0, .kv_usage = 0}}).admitted(), 1000);
  EXPECT_EQ(Bench({{.name = "a", .waiting = 100, .kv_usage = 0}}).admitted(), 0);
  EXPECT_NEAR(Bench({{.name = "a", .waiting = 0, .kv_usage = 0.16}}).admitted(), 904, 40);
}

TEST(ProbabilisticAdmitter, RefusesOnlySheddableRequests) {
  Bench bench({{.name = "a", .waiting = 100, .kv_usage = 0}});
  bench.scene.request.priority = 0;
  EXPECT_EQ(bench.admitted(), 1000);
  bench.scene.request.priority = -1;
  const auto refused = bench.admitter->admit(bench.scene.context(), bench.scene.all(), Random(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::resource_exhausted);
  EXPECT_EQ(refused.error().message,
            "probabilistic-admitter: rejected, saturation=20.000 prob=1.00");
  EXPECT_TRUE(bench.admitter->admit(bench.scene.context(), {}, Random(1)));
}

TEST(ProbabilisticAdmitter, RefusesThresholdsThatAreNone) {
  const auto problem = [](ProbabilisticParams params) {
    const auto checked = ProbabilisticParams::check(params);
    return checked ? "none" : checked.error().message;
  };
  EXPECT_EQ(problem({}), "none");
  EXPECT_EQ(problem({.queue_depth = 0}),
            "plugin 'probabilistic-admitter': queueDepthThreshold must be > 0, got 0");
  EXPECT_EQ(problem({.kv_cache_util = -0.5}),
            "plugin 'probabilistic-admitter': kvCacheUtilThreshold must be > 0, got -0.5");
  EXPECT_EQ(problem({.kv_cache_util = -1e-7}),
            "plugin 'probabilistic-admitter': kvCacheUtilThreshold must be > 0, got -1e-07");
  EXPECT_EQ(problem({.k = -1234567}),
            "plugin 'probabilistic-admitter': k must be > 0, got -1.234567e+06");
  EXPECT_EQ(problem({.power = 0}), "plugin 'probabilistic-admitter': power must be > 0, got 0");
  EXPECT_EQ(problem({.k = 0}), "plugin 'probabilistic-admitter': k must be > 0, got 0");
}

}  // namespace
}  // namespace pointsman
