#include "pointsman/wire/listener.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using std::chrono::milliseconds;

Address loopback(std::uint16_t port = 0) {
  return *Address::parse("127.0.0.1", port);
}

TEST(Listener, SaysWhichAddressIsInUse) {
  Loop loop;
  const auto first = *Listener::open(loop, loopback(), {}, {{loop, [](auto) {}}});
  EXPECT_NE(first->address().port, 0);
  const auto second = Listener::open(loop, first->address(), {}, {{loop, [](auto) {}}});
  EXPECT_EQ(second.error().message,
            "cannot listen on " + first->address().text() + ": Address already in use");
}

TEST(Listener, ListensOnIpv6) {
  Loop loop;
  std::vector<std::unique_ptr<Stream>> taken;
  const auto listener = Listener::open(loop, *Address::parse("[::1]:0"), {},
                                       {{loop, [&](auto s) { taken.push_back(std::move(s)); }}});
  if (!listener) GTEST_SKIP() << listener.error().message;
  const auto connecting = connect(loop, (*listener)->address(), {}, [](auto) {});
  EXPECT_TRUE(loop.run_until([&] { return taken.size() == 1; }));
  EXPECT_EQ(taken[0]->peer().host(), "::1");
}

// Connections by the worker that took them.
struct Fleet {
  explicit Fleet(std::size_t workers_wanted, std::size_t limit = 1000) : workers(workers_wanted) {
    std::vector<Listener::Worker> sides;
    for (std::size_t i = 0; i < workers.size(); ++i) {
      taken.push_back(std::make_unique<std::vector<std::unique_ptr<Stream>>>());
      sides.push_back({workers[i], [this, i](auto stream) {
                         EXPECT_TRUE(workers[i].inside());
                         taken[i]->push_back(std::move(stream));
                       }});
    }
    listener = *Listener::open(loop, loopback(), {.max_connections = limit, .refusals = &refusals},
                               std::move(sides));
  }
  ~Fleet() {
    listener.reset();
    clients.clear();
    workers.stop();
  }

  void dial(std::size_t count) {
    const std::size_t goal = clients.size() + count;
    std::vector<std::unique_ptr<Connecting>> connecting;
    for (std::size_t i = 0; i < count; ++i) {
      connecting.push_back(connect(loop, listener->address(), {}, [this](auto stream) {
        ASSERT_TRUE(stream.has_value()) << stream.error().message;
        clients.push_back(*std::move(stream));
      }));
    }
    EXPECT_TRUE(loop.run_until([&] { return clients.size() == goal; }));
  }

  Loop loop;
  RefusalCounts refusals;
  Workers workers;
  std::vector<std::unique_ptr<std::vector<std::unique_ptr<Stream>>>> taken;
  std::vector<std::unique_ptr<Stream>> clients;
  std::unique_ptr<Listener> listener;
};

TEST(Listener, GivesEachConnectionToTheWorkerWithTheFewest) {
  Fleet fleet(3);
  fleet.dial(9);
  EXPECT_TRUE(fleet.loop.run_until([&] { return fleet.listener->connections() == 9; }));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(fleet.listener->connections(i), 3U);

  fleet.workers.run_on(1, [&](Loop&) { fleet.taken[1]->clear(); });
  EXPECT_EQ(fleet.listener->connections(1), 0U);
  fleet.dial(3);
  EXPECT_TRUE(fleet.loop.run_until([&] { return fleet.listener->connections(1) == 3; }));
}

TEST(Listener, LeavesConnectionsBeyondItsLimitWaitingUntilOneCloses) {
  Fleet fleet(1, 2);
  fleet.dial(3);  // the kernel completes the third
  EXPECT_FALSE(
      fleet.loop.run_until([&] { return fleet.listener->connections() > 2; }, milliseconds(20)));
  EXPECT_EQ(fleet.listener->connections(), 2U);
  EXPECT_EQ(fleet.refusals.of(Refusal::connections), 1U);
  fleet.workers.run_on(0, [&](Loop&) {
    ASSERT_EQ(fleet.taken[0]->size(), 2U);
    fleet.taken[0]->pop_back();
  });
  EXPECT_TRUE(fleet.loop.run_until([&] { return fleet.listener->connections() == 2; }));
  std::size_t size = 0;
  fleet.workers.run_on(0, [&](Loop&) { size = fleet.taken[0]->size(); });
  EXPECT_EQ(size, 2U);
}

TEST(Listener, ReusesItsPortAtOnceAfterItClosed) {
  Loop loop;
  std::unique_ptr<Stream> taken;
  auto listener =
      *Listener::open(loop, loopback(), {}, {{loop, [&](auto s) { taken = std::move(s); }}});
  const Address at = listener->address();
  const auto connecting = connect(loop, at, {}, [](auto) {});
  EXPECT_TRUE(loop.run_until([&] { return taken != nullptr; }));
  listener.reset();
  EXPECT_TRUE(Listener::open(loop, at, {}, {{loop, [](auto) {}}}).has_value());
}

}  // namespace
}  // namespace pointsman
