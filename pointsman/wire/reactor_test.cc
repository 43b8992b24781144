#include "pointsman/wire/reactor.h"

#include <array>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using std::chrono::milliseconds;

// Two ends of a connection, one of them watched.
struct Pair {
  explicit Pair(Reactor& reactor) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    watch = *Watch::open(reactor, Descriptor(ends[0]));
    far = Descriptor(ends[1]);
  }

  void send(std::string_view text) {
    ASSERT_EQ(::write(far.value(), text.data(), text.size()), std::ssize(text));
  }
  std::string read(std::size_t most) {
    std::string text(most, '\0');
    const ssize_t got = ::read(watch->fd(), text.data(), most);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (text.size() < most) watch->drained();
    return text;
  }

  std::unique_ptr<Watch> watch;
  Descriptor far;
};

// Serves what is due after one look at the kernel; says how many callbacks ran.
int turn(Reactor& reactor) {
  reactor.poll(milliseconds(0));
  int served = 0;
  while (Watch* const watch = reactor.next()) {
    watch->serve();
    ++served;
  }
  return served;
}

TEST(Watch, TellsOnceAndOnlyWhoWaits) {
  Reactor reactor;
  Pair pair(reactor);
  int told = 0;
  EXPECT_EQ(turn(reactor), 0) << "writable from the start, but nobody asked";
  pair.watch->when_readable([&] { ++told; });
  EXPECT_EQ(turn(reactor), 0);
  pair.send("a");
  EXPECT_EQ(turn(reactor), 1);
  pair.send("b");
  EXPECT_EQ(turn(reactor), 0) << "one call for one wait";
  EXPECT_EQ(told, 1);
}

TEST(Watch, RemembersWhatWasLeftUnread) {
  Reactor reactor;
  Pair pair(reactor);
  pair.send("abc");
  turn(reactor);
  EXPECT_EQ(pair.read(2), "ab");
  int told = 0;
  pair.watch->when_readable([&] { ++told; });
  EXPECT_EQ(turn(reactor), 1) << "the kernel does not say it again";
  EXPECT_EQ(pair.read(2), "c");
  pair.watch->when_readable([&] { ++told; });
  EXPECT_EQ(turn(reactor), 0) << "a short read has found the bottom";
  pair.send("d");
  EXPECT_EQ(turn(reactor), 1);
  EXPECT_EQ(told, 2);
}

TEST(Watch, AnEndThatCameWithTheLastBytesIsNotLost) {
  Reactor reactor;
  Pair pair(reactor);
  pair.send("last");
  ::shutdown(pair.far.value(), SHUT_WR);
  turn(reactor);
  EXPECT_EQ(pair.read(100), "last");
  bool ended = false;
  pair.watch->when_readable([&] { ended = pair.read(100).empty(); });
  EXPECT_EQ(turn(reactor), 1);
  EXPECT_TRUE(ended);
}

TEST(Watch, ServesBothDirections) {
  Reactor reactor;
  Pair pair(reactor);
  std::string order;
  pair.watch->when_writable([&] { order += 'w'; });
  pair.watch->when_readable([&] { order += 'r'; });
  pair.send("a");
  while (turn(reactor) > 0) {
  }
  EXPECT_EQ(order, "rw");
}

TEST(Watch, WaitsForRoomAfterAShortWrite) {
  Reactor reactor;
  Pair pair(reactor);
  const std::string block(1 << 16, 'x');
  while (::write(pair.watch->fd(), block.data(), block.size()) > 0) {
  }
  turn(reactor);
  pair.watch->filled();
  int told = 0;
  pair.watch->when_writable([&] { ++told; });
  EXPECT_EQ(turn(reactor), 0);
  std::string sink(1 << 16, '\0');
  while (::read(pair.far.value(), sink.data(), sink.size()) > 0) {
  }
  turn(reactor);
  EXPECT_EQ(told, 1);
}

TEST(Watch, ClosedByAnotherOnesCallbackIsNotServed) {
  Reactor reactor;
  Pair first(reactor);
  Pair second(reactor);
  int told = 0;
  first.watch->when_readable([&] {
    ++told;
    second.watch.reset();
  });
  second.watch->when_readable([&] {
    ++told;
    first.watch.reset();
  });
  first.send("a");
  second.send("b");
  turn(reactor);
  EXPECT_EQ(told, 1);
}

TEST(Watch, MayBeDestroyedByItsOwnCallback) {
  Reactor reactor;
  Pair pair(reactor);
  std::string kept;
  pair.watch->when_readable([&, keep = std::string(100, 'x')] {
    pair.watch.reset();
    kept = keep;
  });
  pair.send("a");
  EXPECT_EQ(turn(reactor), 1);
  EXPECT_EQ(kept.size(), 100U);
}

TEST(Watch, ABusyOneWaitsForTheNextTurn) {
  Reactor reactor;
  Pair pair(reactor);
  pair.send("abcdef");
  std::function<void()> greedy = [&] {
    pair.read(1);
    pair.watch->when_readable([&] { greedy(); });
  };
  greedy();
  reactor.poll(milliseconds(0));
  Watch* const first = reactor.next();
  ASSERT_NE(first, nullptr);
  first->serve();
  EXPECT_TRUE(reactor.has_ready()) << "there is more to read";
}

TEST(Reactor, TheAlarmComesOnceAndTheBellEveryTime) {
  Reactor reactor;
  EXPECT_FALSE(reactor.alarmed());
  reactor.set_alarm(std::chrono::microseconds(10));
  reactor.poll(milliseconds(5000));
  EXPECT_TRUE(reactor.alarmed());
  EXPECT_FALSE(reactor.alarmed());
  for (int i = 0; i < 3; ++i) {
    const std::jthread ringer([&] { reactor.wake(); });
    reactor.poll(milliseconds(-1));  // returns, or the test never ends
    EXPECT_FALSE(reactor.alarmed());
  }
}

}  // namespace
}  // namespace pointsman
