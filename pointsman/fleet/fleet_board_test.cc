#include "pointsman/fleet/fleet_board.h"

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using std::chrono_literals::operator""s;

Endpoint endpoint(std::string name, std::uint32_t key, std::string address = "10.0.0.1") {
  Endpoint e{.name = std::move(name), .address = std::move(address), .port = 80, .key = {key}};
  e.complete();
  return e;
}

std::shared_ptr<const std::vector<Endpoint>> list(std::vector<Endpoint> endpoints) {
  return std::make_shared<const std::vector<Endpoint>>(std::move(endpoints));
}

PageReading reading(double waiting, double running = kMissing) {
  PageReading made;
  made.loads.fill(kMissing);
  made.loads[static_cast<std::size_t>(Load::waiting)] = waiting;
  made.loads[static_cast<std::size_t>(Load::running)] = running;
  return made;
}

const Clock::time_point kThen{100s};
const Clock::time_point kLater{101s};

struct Seen {
  FleetBoard board;
  Published<Fleet>::Reader reader{*board.published()};

  const Fleet& fleet() {
    board.publish();
    return *reader.get();
  }
};

TEST(FleetBoard, ShowsNothingBeforeItPublishes) {
  Seen seen;
  seen.board.set_endpoints(list({endpoint("a", 0)}));
  EXPECT_TRUE(seen.board.changed());
  EXPECT_EQ(seen.reader.get()->size(), 0U);
  EXPECT_EQ(seen.fleet().size(), 1U);
  EXPECT_FALSE(seen.board.changed());
}

TEST(FleetBoard, KeepsTheAgeOfEveryValue) {
  Seen seen;
  seen.board.set_endpoints(list({endpoint("a", 0), endpoint("b", 1)}));
  seen.board.apply({1}, kThen, reading(5, 2), {});
  seen.board.apply({1}, kLater, reading(6), {});
  const Fleet& fleet = seen.fleet();
  EXPECT_EQ(fleet.load(Load::waiting).value[1], 6);
  EXPECT_EQ(fleet.load(Load::waiting).at[1], kLater);
  EXPECT_EQ(fleet.load(Load::running).value[1], 2);
  EXPECT_EQ(fleet.load(Load::running).at[1], kThen);
  EXPECT_EQ(fleet.read_at(1), kLater);
  EXPECT_TRUE(std::isnan(fleet.load(Load::waiting).value[0]));
  EXPECT_EQ(fleet.read_at(0), Clock::time_point{});
}

TEST(FleetBoard, DoesNotCountAPageThatTellsNothingAsRead) {
  Seen seen;
  seen.board.set_endpoints(list({endpoint("a", 0)}));
  seen.board.publish();
  seen.board.apply({0}, kThen, reading(kMissing), {});
  EXPECT_FALSE(seen.board.changed());
  EXPECT_EQ(seen.fleet().read_at(0), Clock::time_point{});
}

TEST(FleetBoard, CarriesValuesOverToThoseWhoStay) {
  Seen seen;
  seen.board.set_endpoints(list({endpoint("a", 0), endpoint("b", 1)}));
  PageReading with_adapters = reading(3);
  with_adapters.adapters = PageReading::Adapters::changed;
  seen.board.apply({1}, kThen, with_adapters, {.active = {"x"}, .waiting = {}, .room = 4});
  seen.board.set_endpoints(list({endpoint("b", 1), endpoint("c", 0x10000)}));
  const Fleet& fleet = seen.fleet();
  EXPECT_EQ(fleet.load(Load::waiting).value[0], 3);
  EXPECT_EQ(fleet.load(Load::waiting).at[0], kThen);
  EXPECT_EQ(fleet.read_at(0), kThen);
  EXPECT_EQ(fleet.adapters().active(0).size(), 1U);
  EXPECT_EQ(fleet.adapters().room(0), 4U);
  EXPECT_EQ(fleet.adapters_at()[0], kThen);
  EXPECT_TRUE(std::isnan(fleet.load(Load::waiting).value[1]));
  EXPECT_TRUE(fleet.adapters().active(1).empty());
}

TEST(FleetBoard, RemembersNothingOfWhoHadTheSlotBefore) {
  Seen seen;
  seen.board.set_endpoints(list({endpoint("a", 0)}));
  seen.board.apply({0}, kThen, reading(3), {});
  seen.board.set_endpoints(list({endpoint("a", 0x10000)}));
  seen.board.apply({0}, kThen, reading(4), {});
  EXPECT_TRUE(std::isnan(seen.fleet().load(Load::waiting).value[0]));
}

TEST(FleetBoard, MovesTheAgeOfAdaptersThatStayTheSame) {
  Seen seen;
  seen.board.set_endpoints(list({endpoint("a", 0)}));
  PageReading told = reading(kMissing);
  told.adapters = PageReading::Adapters::changed;
  seen.board.apply({0}, kThen, told, {.active = {"x"}, .waiting = {}, .room = 1});
  told.adapters = PageReading::Adapters::same;
  seen.board.apply({0}, kLater, told, {});
  const Fleet& fleet = seen.fleet();
  EXPECT_EQ(fleet.adapters_at()[0], kLater);
  EXPECT_EQ(fleet.adapters().active(0).size(), 1U);
  EXPECT_EQ(fleet.read_at(0), kLater);
}

TEST(FleetBoard, HoldsBackWhoHasNoAddress) {
  Seen seen;
  seen.board.set_endpoints(list({endpoint("a", 0, ""), endpoint("b", 1)}));
  EXPECT_FALSE(seen.fleet().ready(0));
  EXPECT_TRUE(seen.fleet().ready(1));
  seen.board.set_endpoints(list({endpoint("a", 0), endpoint("b", 1)}));
  EXPECT_TRUE(seen.fleet().ready(0));
}

TEST(FleetBoard, KeepsAttributesWithTheirAgeWhenTheListChanges) {
  Seen seen;
  seen.board.set_endpoints(list({endpoint("a", 0), endpoint("b", 1)}));
  PageReading told = reading(kMissing);
  told.attributes = {{.key = "k/p", .value = 4}};
  seen.board.apply({1}, kThen, told, {});
  told.attributes[0].value = kMissing;
  seen.board.apply({1}, kLater, told, {});
  seen.board.set_endpoints(list({endpoint("b", 1)}));
  const Fleet& fleet = seen.fleet();
  const LoadColumn* const column = fleet.attribute("k/p");
  ASSERT_NE(column, nullptr);
  EXPECT_EQ(column->value[0], 4);
  EXPECT_EQ(column->at[0], kThen);
  EXPECT_EQ(fleet.attribute("k/q"), nullptr);
}

}  // namespace
}  // namespace pointsman
