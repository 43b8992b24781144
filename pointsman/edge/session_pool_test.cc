#include "pointsman/edge/session_pool.h"

#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

struct Shared {
  int made = 0;
};

struct FakeSession {
  explicit FakeSession(Shared& shared) { ++shared.made; }

  Arena arena;
  BodyBuffer body;
};

TEST(SessionPool, UsesTheSessionThatWasGivenBackLast) {
  Shared shared;
  SessionPool<FakeSession> pool;
  FakeSession* const first = pool.take(shared);
  FakeSession* const second = pool.take(shared);
  EXPECT_EQ(pool.active(), 2U);
  pool.give_back(first);
  pool.give_back(second);
  EXPECT_EQ(pool.active(), 0U);
  EXPECT_EQ(pool.take(shared), second);
  EXPECT_EQ(pool.take(shared), first);
  EXPECT_EQ(shared.made, 2);
}

TEST(SessionPool, LetsACrowdKeepNothingButAFewBuffers) {
  constexpr int kCrowd = 500;
  Shared shared;
  SessionPool<FakeSession> pool;
  std::vector<FakeSession*> crowd(kCrowd);
  for (FakeSession*& each : crowd) {
    each = pool.take(shared);
    each->arena.copy("a header");
    each->body.append("a body");
  }
  int keeping = 0;
  for (FakeSession* each : crowd) {
    pool.recycle(each->arena, each->body);
    EXPECT_EQ(each->body.size(), 0U);
    EXPECT_EQ(each->arena.capacity() > 0, each->body.capacity() > 0);
    keeping += each->body.capacity() > 0 ? 1 : 0;
    pool.give_back(each);
  }
  EXPECT_EQ(keeping, 64);
}

}  // namespace
}  // namespace pointsman
