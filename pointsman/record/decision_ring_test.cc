#include "pointsman/record/decision_ring.h"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

std::vector<std::string> newest(const DecisionRing& ring, std::size_t limit) {
  std::vector<std::string> ids;
  for (const auto& kept : ring.newest(limit)) ids.push_back(kept.decision->request_id);
  return ids;
}

void add(DecisionRing& ring, std::string request_id) {
  const auto decision = ring.fresh();
  decision->request_id = std::move(request_id);
  ring.keep(decision);
}

TEST(DecisionRing, ShowsTheNewestFirst) {
  DecisionRing ring(3);
  EXPECT_TRUE(newest(ring, 10).empty());
  for (const auto* id : {"a", "b", "c", "d"}) add(ring, id);
  EXPECT_EQ(newest(ring, 10), (std::vector<std::string>{"d", "c", "b"}));
  EXPECT_EQ(newest(ring, 1), std::vector<std::string>{"d"});
  EXPECT_EQ(ring.kept(), 4U);
}

TEST(DecisionRing, FindsADecisionByItsId) {
  DecisionRing ring(2);
  const auto first = ring.fresh();
  ring.keep(first);
  const std::uint64_t id = first->id;
  ASSERT_TRUE(ring.find(id).has_value());
  EXPECT_EQ(ring.find(id)->decision->id, id);
  add(ring, "b");
  add(ring, "c");
  EXPECT_FALSE(ring.find(id).has_value());
}

TEST(DecisionRing, GivesEveryDecisionAnIdOfItsOwn) {
  DecisionRing ring(4);
  std::set<std::uint64_t> ids;
  for (int i = 0; i < 100; ++i) {
    const auto decision = ring.fresh();
    ids.insert(decision->id);
    ring.keep(decision);
  }
  EXPECT_EQ(ids.size(), 100U);
  EXPECT_EQ(decision_id_text(0xABC).size(), 16U);
  EXPECT_EQ(decision_id_text(0xABC), "0000000000000abc");
}

TEST(DecisionRing, NeverReusesADecisionThatARequestHolds) {
  DecisionRing ring(1);
  const auto held = ring.fresh();
  held->request_id = "held";
  ring.keep(held);
  for (int i = 0; i < 200; ++i) add(ring, "other");
  EXPECT_EQ(held->request_id, "held");
  ring.join(held, {.end = Outcome::End::finished, .status = 200});
  EXPECT_EQ(held->outcome.status, 200);
}

TEST(DecisionRing, StandsManyWritersAndAReader) {
  DecisionRing ring(16);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&ring] {
      for (int i = 0; i < 500; ++i) {
        const auto decision = ring.fresh();
        decision->request_id = "r";
        decision->totals.assign(10, 1.0);
        ring.keep(decision);
        ring.join(decision, {.status = 200});
      }
    });
  }
  threads.emplace_back([&ring] {
    for (int i = 0; i < 200; ++i) {
      for (const auto& kept : ring.newest(16)) ASSERT_EQ(kept.decision->request_id, "r");
    }
  });
}

}  // namespace
}  // namespace pointsman
