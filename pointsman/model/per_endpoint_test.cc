#include "pointsman/model/per_endpoint.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

Fleet fleet_of(const std::vector<std::string>& names) {
  std::vector<Endpoint> endpoints;
  for (const std::string& name : names) {
    endpoints.push_back({.name = name, .key = {static_cast<std::uint32_t>(endpoints.size())}});
  }
  return Fleet(std::make_shared<const std::vector<Endpoint>>(std::move(endpoints)));
}

TEST(PerEndpoint, IsMadeOnceForTheseIdentities) {
  int made = 0;
  const PerEndpoint<std::size_t> lengths;
  const auto length = [&](const Endpoint& endpoint) {
    ++made;
    return endpoint.name.size();
  };
  const Fleet fleet = fleet_of({"a", "bcd"});
  Fleet later = fleet;  // another scrape, the same endpoints
  later.set(0, Load::waiting, 1, {});
  EXPECT_EQ(lengths.of(fleet, length)[1], 3U);
  EXPECT_EQ(lengths.of(later, length)[1], 3U);
  EXPECT_EQ(made, 2);
}

TEST(PerEndpoint, IsMadeAnewForOtherIdentitiesAndByOthers) {
  const PerEndpoint<std::size_t> one;
  const PerEndpoint<std::size_t> two;
  const auto length = [](const Endpoint& endpoint) { return endpoint.name.size(); };
  const auto nothing = [](const Endpoint& /*endpoint*/) -> std::size_t { return 0; };
  const Fleet fleet = fleet_of({"a", "bcd"});
  EXPECT_EQ(one.of(fleet, length)[1], 3U);
  EXPECT_EQ(two.of(fleet, nothing)[1], 0U);
  EXPECT_EQ(one.of(fleet_of({"ab"}), length)[0], 2U);
}

TEST(PerEndpoint, MayBeAskedByManyAtOnce) {
  const PerEndpoint<std::size_t> lengths;
  const Fleet fleet = fleet_of({"a", "bcd"});
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const auto seen = lengths.of(fleet, [](const Endpoint& e) { return e.name.size(); });
      EXPECT_EQ(seen[1], 3U);
    });
  }
}

}  // namespace
}  // namespace pointsman
