#include "pointsman/model/fleet.h"

#include <cmath>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

Endpoint endpoint(std::string name, std::uint32_t key) {
  Endpoint e{.name = std::move(name), .address = "10.0.0.1", .port = 8000, .key = {key}};
  e.complete();
  return e;
}

Fleet fleet_of(std::vector<Endpoint> endpoints) {
  return Fleet(std::make_shared<const std::vector<Endpoint>>(std::move(endpoints)));
}

TEST(Endpoint, HasTheTextFormsOfItsIdentity) {
  Endpoint e{.name = "pod1", .address = "::1", .port = 8000};
  e.complete();
  EXPECT_EQ(e.id, "/pod1");
  EXPECT_EQ(e.host_port, "[::1]:8000");
  EXPECT_EQ(e.metrics_host, "[::1]:8000");
}

TEST(Endpoint, IsNamedByItsHostUntilThatHasAnAddress) {
  Endpoint e{.name = "pod1", .host = "gpu-1", .port = 8000};
  e.complete();
  EXPECT_EQ(e.host_port, "gpu-1:8000");
  e.address = "10.0.0.7";
  e.complete();
  EXPECT_EQ(e.host_port, "10.0.0.7:8000");
  EXPECT_EQ(e.metrics_host, "gpu-1:8000");
}

TEST(Endpoint, FindsLabelsWhateverTheirOrder) {
  Endpoint e{.labels = {{"b", "2"}, {"a", "1"}}};
  e.complete();
  EXPECT_EQ(*e.label("a"), "1");
  EXPECT_EQ(*e.label("b"), "2");
  EXPECT_EQ(e.label("c"), nullptr);
}

TEST(Fleet, StartsWithEveryLoadMissing) {
  const Fleet fleet = fleet_of({endpoint("a", 0)});
  EXPECT_TRUE(std::isnan(fleet.load(Load::waiting).value[0]));
  EXPECT_EQ(fleet.read_at(0), Clock::time_point{});
}

TEST(Fleet, FindsAnEndpointByItsKeyButNotByItsPredecessors) {
  const Fleet fleet = fleet_of({endpoint("a", 3), endpoint("b", 0x10001)});
  EXPECT_EQ(fleet.find({3}), 0U);
  EXPECT_EQ(fleet.find({0x10001}), 1U);
  EXPECT_EQ(fleet.find({1}), std::nullopt);
  EXPECT_EQ(fleet.find({9}), std::nullopt);
}

TEST(Fleet, InternsAdapterNames) {
  Fleet fleet = fleet_of({endpoint("a", 0), endpoint("b", 1)});
  const std::vector<Adapters> adapters{{.active = {"x", "y"}, .waiting = {}, .room = 4},
                                       {.active = {}, .waiting = {"x"}, .room = 2}};
  fleet.set_adapters(adapters, std::vector<Clock::time_point>(2));
  const auto x = fleet.adapters().find("x");
  ASSERT_TRUE(x.has_value());
  EXPECT_EQ(fleet.adapters().active(0)[0], *x);
  EXPECT_EQ(fleet.adapters().waiting(1)[0], *x);
  EXPECT_TRUE(fleet.adapters().active(1).empty());
  EXPECT_EQ(fleet.adapters().room(1), 2U);
  EXPECT_EQ(fleet.adapters().find("z"), std::nullopt);
}

}  // namespace
}  // namespace pointsman
