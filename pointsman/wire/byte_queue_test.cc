#include "pointsman/wire/byte_queue.h"

#include <string>

#include <gtest/gtest.h>

#include "pointsman/base/random.h"

namespace pointsman {
namespace {

TEST(ByteQueue, GivesBytesInTheOrderTheyCame) {
  // Against a plain string, over sizes that make the block grow, move down and drain.
  Random random(7);
  ByteQueue queue;
  std::string oracle;
  for (int step = 0; step < 20'000; ++step) {
    if (random.below(2) == 0) {
      const std::string some(random.below(3000), static_cast<char>('a' + step % 26));
      queue.append(some);
      oracle += some;
    } else {
      const std::size_t n = random.below(oracle.size() + 1);
      queue.consume(n);
      oracle.erase(0, n);
    }
    ASSERT_EQ(queue.size(), oracle.size());
    if (step % 100 == 0) {
      ASSERT_EQ(queue.bytes(), oracle);
    }
  }
}

TEST(ByteQueue, KeepsItsBlockInSteadyState) {
  ByteQueue queue;
  queue.append(std::string(1000, 'x'));
  const std::size_t first = queue.capacity();
  for (int i = 0; i < 1000; ++i) {
    queue.append(std::string(1000, 'x'));
    queue.consume(1000);
  }
  EXPECT_LE(queue.capacity(), 2 * first);
}

TEST(BytePool, ReusesBlocksAndBoundsThem) {
  BytePool pool(10'000);
  ByteQueue queue;
  queue.append(std::string(5000, 'x'));
  const char* block = queue.bytes().data();
  pool.give(queue);
  EXPECT_EQ(queue.capacity(), 0U);
  EXPECT_TRUE(queue.empty());

  ByteQueue next = pool.take();
  EXPECT_TRUE(next.empty());
  EXPECT_EQ(next.reserve(5000).data(), block);
  EXPECT_EQ(pool.kept(), 0U);

  ByteQueue large;
  large.append(std::string(11'000, 'x'));
  pool.give(large);
  EXPECT_EQ(pool.kept(), 0U);
}

}  // namespace
}  // namespace pointsman
