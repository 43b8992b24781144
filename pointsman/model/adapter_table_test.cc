#include "pointsman/model/adapter_table.h"

#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

std::vector<EndpointIndex> list(std::span<const EndpointIndex> endpoints) {
  return {endpoints.begin(), endpoints.end()};
}

TEST(AdapterTable, TellsByEndpointAndByAdapter) {
  const std::vector<Adapters> adapters{{.active = {"x", "y"}, .waiting = {}, .room = 4},
                                       {.active = {}, .waiting = {"x"}, .room = 1},
                                       {.active = {"x"}, .waiting = {"y"}, .room = 1}};
  const AdapterTable table(adapters);
  const auto x = table.find("x");
  const auto y = table.find("y");
  ASSERT_TRUE(x && y);
  EXPECT_EQ(table.name(*y), "y");
  EXPECT_EQ(table.active(0)[1], *y);
  EXPECT_EQ(table.waiting(1)[0], *x);
  EXPECT_EQ(list(table.holders(*x)), (std::vector<EndpointIndex>{0, 2}));
  EXPECT_EQ(list(table.waiters(*x)), std::vector<EndpointIndex>{1});
  EXPECT_EQ(list(table.holders(*y)), std::vector<EndpointIndex>{0});
  EXPECT_EQ(list(table.waiters(*y)), std::vector<EndpointIndex>{2});
  EXPECT_EQ((std::vector<double>(table.spare().begin(), table.spare().end())),
            (std::vector<double>{2, 0, -1}));
}

TEST(AdapterTable, KnowsNoAdapterThatNobodyNamed) {
  const AdapterTable table(std::vector<Adapters>(3));
  EXPECT_FALSE(table.find("x"));
  EXPECT_TRUE(table.active(2).empty());
}

}  // namespace
}  // namespace pointsman
