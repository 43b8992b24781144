#include "pointsman/fleet/roster.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using Ids = std::vector<std::string>;

Endpoint endpoint(std::string name, const std::string& host = "10.0.0.1",
                  std::uint16_t port = 8000) {
  Endpoint e{.ns = "default", .name = std::move(name), .host = host, .port = port};
  if (host.starts_with("10.")) e.address = host;
  e.complete();
  return e;
}

Roster::Change update(Roster& roster, std::vector<Endpoint> endpoints) {
  auto change = roster.update(std::move(endpoints));
  EXPECT_TRUE(change.has_value());
  return change ? *std::move(change) : Roster::Change{};
}

EndpointKey key(const Roster& roster, std::size_t at) {
  return (*roster.endpoints())[at].key;
}

TEST(Roster, KeepsTheKeyOfWhoStays) {
  Roster roster;
  EXPECT_EQ(update(roster, {endpoint("a"), endpoint("b")}).joined, (Ids{"default/a", "default/b"}));
  const EndpointKey a = key(roster, 0);
  const EndpointKey b = key(roster, 1);
  EXPECT_FALSE(a == b);
  const Roster::Change change = update(roster, {endpoint("b"), endpoint("c"), endpoint("a")});
  EXPECT_EQ(change.joined, Ids{"default/c"});
  EXPECT_TRUE(change.left.empty());
  EXPECT_EQ(key(roster, 0), b);
  EXPECT_EQ(key(roster, 2), a);
}

TEST(Roster, KeepsTheKeyWhenLabelsChange) {
  Roster roster;
  update(roster, {endpoint("a")});
  const EndpointKey before = key(roster, 0);
  Endpoint labelled = endpoint("a");
  labelled.labels = {{"k", "v"}};
  EXPECT_EQ(update(roster, {labelled}).relabelled, Ids{"default/a"});
  EXPECT_EQ(key(roster, 0), before);
  EXPECT_FALSE(update(roster, {labelled}).any());
}

TEST(Roster, TakesAnEndpointAtAnotherPlaceForSomebodyElse) {
  Roster roster;
  update(roster, {endpoint("a")});
  const EndpointKey before = key(roster, 0);
  const Roster::Change change = update(roster, {endpoint("a", "10.0.0.2")});
  EXPECT_EQ(change.joined, Ids{"default/a"});
  EXPECT_EQ(change.left, Ids{"default/a"});
  EXPECT_FALSE(key(roster, 0) == before);
}

TEST(Roster, ReusesASlotWithANewGeneration) {
  Roster roster;
  update(roster, {endpoint("a")});
  const EndpointKey first = key(roster, 0);
  update(roster, {});
  update(roster, {endpoint("a")});
  EXPECT_EQ(key(roster, 0).slot(), first.slot());
  EXPECT_FALSE(key(roster, 0) == first);
}

TEST(Roster, ReusesTheSlotThatWasFreeLongest) {
  Roster roster;
  update(roster, {endpoint("a"), endpoint("b")});
  update(roster, {endpoint("b")});
  update(roster, {});
  update(roster, {endpoint("c")});
  EXPECT_EQ(key(roster, 0).slot(), 0U);
}

TEST(Roster, GivesAddressesToHostNamesAndKeepsThem) {
  Roster roster;
  update(roster, {endpoint("a", "gpu-1", 1), endpoint("b", "gpu-1", 2), endpoint("c")});
  EXPECT_TRUE(roster.set_address("gpu-1", "10.0.0.9"));
  EXPECT_FALSE(roster.set_address("gpu-1", "10.0.0.9"));
  EXPECT_EQ((*roster.endpoints())[0].host_port, "10.0.0.9:1");
  EXPECT_EQ((*roster.endpoints())[1].host_port, "10.0.0.9:2");
  EXPECT_EQ((*roster.endpoints())[2].address, "10.0.0.1");
  EXPECT_TRUE(update(roster, {endpoint("a", "gpu-1", 1)}).relabelled.empty());
  EXPECT_EQ((*roster.endpoints())[0].host_port, "10.0.0.9:1");
}

TEST(Roster, RefusesMoreEndpointsThanItHasRoomFor) {
  Roster roster;
  update(roster, {endpoint("a")});
  const std::vector<Endpoint> many(Roster::kMaxEndpoints + 1, endpoint("x"));
  EXPECT_FALSE(roster.update(many).has_value());
  EXPECT_EQ(roster.endpoints()->size(), 1U);
}

}  // namespace
}  // namespace pointsman
