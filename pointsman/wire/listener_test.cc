#include "pointsman/wire/listener.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <memory>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <thread>
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

// Runs `task` on a thread for which the kernel has no IPv6. False: it cannot be made so.
bool without_ipv6(const std::function<void()>& task) {
  bool able = false;
  std::jthread([&] {
    std::array<sock_filter, 6> rules{{
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, SYS_socket},
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, args)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, AF_INET6},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EAFNOSUPPORT},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    }};
    const sock_fprog filter{.len = rules.size(), .filter = rules.data()};
    able = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
    if (able) task();
  }).join();
  return able;
}

TEST(Listener, ListensEverywhereForBothFamiliesAndShowsIpv4PeersAsIpv4) {
  if (!Address::parse("::1", 0)->is_here()) GTEST_SKIP() << "this machine has no IPv6";
  Loop loop;
  std::vector<std::unique_ptr<Stream>> taken;
  const auto listener = *Listener::open(loop, Address::everywhere(0), {},
                                        {{loop, [&](auto s) { taken.push_back(std::move(s)); }}});
  EXPECT_EQ(listener->address().host(), "::");
  for (const char* host : {"127.0.0.1", "::1"}) {
    const std::size_t before = taken.size();
    const auto connecting =
        connect(loop, *Address::parse(host, listener->address().port), {}, [](auto) {});
    ASSERT_TRUE(loop.run_until([&] { return taken.size() > before; })) << host;
  }
  EXPECT_EQ(taken[0]->peer().host(), "127.0.0.1");
  EXPECT_FALSE(taken[0]->peer().v6);
  EXPECT_EQ(taken[1]->peer().host(), "::1");
}

TEST(Listener, FindsAPortBusyThatOneFamilyAloneUses) {
  Loop loop;
  for (const char* host : {"127.0.0.1", "::1"}) {
    const auto at = *Address::parse(host, 0);
    if (!at.is_here()) continue;
    const auto one = *Listener::open(loop, at, {}, {{loop, [](auto) {}}});
    const auto everywhere = Address::everywhere(one->address().port);
    const auto all = Listener::open(loop, everywhere, {}, {{loop, [](auto) {}}});
    ASSERT_FALSE(all) << host;
    EXPECT_EQ(all.error().message,
              "cannot listen on " + everywhere.text() + ": Address already in use");
  }
}

TEST(Listener, ListensEverywhereInIpv4WhereTheKernelHasNoIpv6) {
  const bool able = without_ipv6([] {
    EXPECT_FALSE(Address::parse("::", 0)->is_here());
    EXPECT_EQ(Address::everywhere(80).text(), "0.0.0.0:80");
    Loop loop;
    const auto listener = Listener::open(loop, Address::everywhere(0), {}, {{loop, [](auto) {}}});
    ASSERT_TRUE(listener) << listener.error().message;
    EXPECT_EQ((*listener)->address().host(), "0.0.0.0");
  });
  if (!able) GTEST_SKIP() << "no filter of system calls can be set here";
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
