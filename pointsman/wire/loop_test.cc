#include "pointsman/wire/loop.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/random.h"

namespace pointsman {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(Loop, RunsPostedTasksInOrder) {
  Loop loop;
  std::string order;
  loop.post([&] { order += 'a'; });
  loop.post([&] {
    order += 'b';
    loop.post([&] { order += 'd'; });
  });
  loop.post([&] { order += 'c'; });
  EXPECT_TRUE(loop.run_until([&] { return order.size() == 4; }));
  EXPECT_EQ(order, "abcd");
}

TEST(Loop, StopBeforeRunSticksAndRunCanBeCalledAgain) {
  Loop loop;
  loop.stop();
  loop.run();
  bool ran = false;
  loop.post([&] {
    ran = true;
    loop.stop();
  });
  loop.run();
  EXPECT_TRUE(ran);
}

TEST(Loop, DestroysTasksThatNeverRan) {
  auto token = std::make_shared<int>(1);
  {
    Loop loop;
    loop.post([token] {});
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Loop, RunUntilGivesUpAtItsLimit) {
  Loop loop;
  EXPECT_FALSE(loop.run_until([] { return false; }, milliseconds(5)));
}

TEST(Loop, RunsDeferredTasksWhenTheCallbackHasReturned) {
  Loop loop;
  std::string order;
  loop.post([&] {
    loop.defer([&] {
      loop.defer([&] { order += 'f'; });
      order += 'd';
    });
    loop.defer([&] { order += 'e'; });
    order += 'a';
  });
  loop.post([&] { order += 'b'; });
  EXPECT_TRUE(loop.run_until([&] { return order.size() == 5; }));
  EXPECT_EQ(order, "adefb");
  loop.defer([&] { order += 'g'; });
  EXPECT_EQ(order, "adefbg") << "outside of callbacks it runs at once";
}

TEST(Loop, KnowsItsThread) {
  Workers workers(2);
  EXPECT_FALSE(workers[0].inside());
  workers.run_on(0, [&](Loop& loop) {
    EXPECT_TRUE(loop.inside());
    EXPECT_FALSE(workers[1].inside());
  });
}

TEST(Loop, WorkersAreDoneWithATaskOneAfterTheOther) {
  Workers workers(3);
  std::vector<std::size_t> order;
  workers.run_on_each([&](std::size_t i, Loop& loop) {
    EXPECT_EQ(&loop, &workers[i]);
    EXPECT_TRUE(loop.inside());
    order.push_back(i);
  });
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2}));
}

TEST(Loop, WorkersAreDrainedWhenTheLastOneIs) {
  Workers workers(3);
  std::mutex mutex;
  std::vector<std::function<void()>> ends;
  std::latch begun(3);
  std::atomic<int> done = 0;
  workers.drain_each(
      [&](std::size_t i, std::function<void()> one_done) {
        EXPECT_TRUE(workers[i].inside());
        const std::lock_guard lock(mutex);
        ends.push_back(std::move(one_done));
        begun.count_down();
      },
      [&] { ++done; });
  begun.wait();
  const std::lock_guard lock(mutex);
  ends[0]();
  ends[2]();
  EXPECT_EQ(done, 0);
  ends[1]();
  EXPECT_EQ(done, 1);
}

TEST(Loop, TakesTasksFromManyThreads) {
  Workers workers(1);
  int sum = 0;  // touched by the worker only
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) workers[0].post([&sum] { ++sum; });
      });
    }
  }
  workers.run_on(0, [&](Loop&) { EXPECT_EQ(sum, 4000); });
}

TEST(Timer, FiresOnceNotBeforeItsDeadline) {
  Loop loop;
  int fired = 0;
  const auto begin = Clock::now();
  Clock::time_point at;
  Timer timer(loop, [&] {
    ++fired;
    at = Clock::now();
  });
  timer.arm(milliseconds(5));
  EXPECT_TRUE(timer.armed());
  EXPECT_TRUE(loop.run_until([&] { return fired > 0; }));
  EXPECT_GE(at - begin, milliseconds(5));
  EXPECT_FALSE(timer.armed());
  EXPECT_FALSE(loop.run_until([&] { return fired > 1; }, milliseconds(10)));
}

TEST(Timer, MovesLaterEarlierAndAway) {
  Loop loop;
  std::string order;
  Timer later(loop, [&] { order += 'l'; });
  Timer earlier(loop, [&] { order += 'e'; });
  Timer never(loop, [&] { order += 'n'; });
  Timer middle(loop, [&] { order += 'm'; });
  later.arm(milliseconds(1));
  earlier.arm(hours(1));
  never.arm(milliseconds(2));
  middle.arm(milliseconds(6));
  later.arm(milliseconds(12));
  earlier.arm(milliseconds(3));
  never.disarm();
  EXPECT_TRUE(loop.run_until([&] { return order.size() == 3; }));
  EXPECT_EQ(order, "eml");
}

TEST(Timer, MayBeDestroyedAndArmedInItsOwnCallback) {
  Loop loop;
  int fired = 0;
  std::unique_ptr<Timer> gone;
  gone = std::make_unique<Timer>(loop, [&, keep = std::string(100, 'x')] {
    gone.reset();
    fired += static_cast<int>(keep.size());  // the callback outlives its timer
  });
  gone->arm(milliseconds(0));
  int rounds = 0;
  std::unique_ptr<Timer> again;
  again = std::make_unique<Timer>(loop, [&] {
    if (++rounds < 3) again->arm(milliseconds(1));
  });
  again->arm(milliseconds(1));
  EXPECT_TRUE(loop.run_until([&] { return fired == 100 && rounds == 3; }));
}

TEST(Timer, KeepsTheOrderOfManyRandomDeadlines) {
  Loop loop;
  Random random(7);
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<Clock::time_point> due(500);
  std::vector<Clock::time_point> fired;
  std::size_t expected = 0;
  for (std::size_t i = 0; i < due.size(); ++i) {
    timers.push_back(std::make_unique<Timer>(loop, [&, i] {
      EXPECT_GE(Clock::now(), due[i]) << i;
      fired.push_back(due[i]);
    }));
  }
  const auto base = Clock::now() + milliseconds(5);
  for (int round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < due.size(); ++i) {
      due[i] = base + std::chrono::microseconds(random.below(20'000));
      timers[i]->arm_at(due[i]);
      if (random.below(4) == 0) timers[i]->disarm();
    }
  }
  for (auto& timer : timers) {
    if (random.below(10) == 0) {
      timer.reset();
    } else if (timer->armed()) {
      ++expected;
    }
  }
  EXPECT_TRUE(loop.run_until([&] { return fired.size() == expected; }));
  EXPECT_GT(expected, 200U);
  EXPECT_TRUE(std::ranges::is_sorted(fired));
  EXPECT_FALSE(loop.run_until([&] { return fired.size() > expected; }, milliseconds(5)));
}

TEST(StopSignals, AreCalledOnTheLoop) {
  Loop loop;
  std::vector<int> caught;
  const StopSignals signals(loop, [&](int signal) { caught.push_back(signal); });
  std::raise(SIGTERM);
  EXPECT_TRUE(loop.run_until([&] { return caught.size() == 1; }));
  std::raise(SIGINT);
  EXPECT_TRUE(loop.run_until([&] { return caught.size() == 2; }));
  EXPECT_EQ(caught, (std::vector{SIGTERM, SIGINT}));
}

TEST(StopSignals, AreHeldUntilSomebodyListens) {
  StopSignals::hold();
  std::raise(SIGHUP);
  EXPECT_FALSE(StopSignals::asked());
  std::raise(SIGTERM);
  EXPECT_TRUE(StopSignals::asked());
  Loop loop;
  std::vector<int> caught;
  const StopSignals signals(loop, [&](int signal) { caught.push_back(signal); });
  EXPECT_TRUE(loop.run_until([&] { return caught.size() == 2; }));
  std::raise(SIGTERM);  // the first one that is not held
  EXPECT_TRUE(loop.run_until([&] { return caught.size() == 3; }));
  EXPECT_EQ(caught, (std::vector{SIGHUP, SIGTERM, SIGTERM}));
}

TEST(StopSignals, EndTheProcessWhenHeldTwice) {
  const auto twice = [] {
    StopSignals::hold();
    std::raise(SIGHUP);
    std::raise(SIGHUP);
    std::raise(SIGINT);
    std::raise(SIGTERM);
  };
  EXPECT_EXIT(twice(), testing::ExitedWithCode(1), "");
}

}  // namespace
}  // namespace pointsman
