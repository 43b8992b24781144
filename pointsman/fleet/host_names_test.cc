#include "pointsman/fleet/host_names.h"

#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using Lines = std::vector<std::string>;

// Host names whose look-ups the test answers.
class Names : public ::testing::Test {
 protected:
  HostNames make(Clock::duration every = 1ms, Clock::duration retry = 1ms) {
    return HostNames(
        loop_,
        {.every = every,
         .retry = retry,
         .look_up = [this](const std::string& host,
                           HostNames::Answer answer) { look_up(host, answer); }},
        {.found = [this](const std::string& host,
                         const std::string& address) { add(host + "=" + address); },
         .failed =
             [this](const std::string& host, const std::string& address, const Error& error) {
               add(host + " failed, has " + address + ": " + error.message);
             }});
  }

  void look_up(const std::string& host, HostNames::Answer& answer) {
    ++asked_[host];
    std::vector<Address> addresses;
    for (const std::string& ip : zone_[host]) addresses.push_back(*Address::parse(ip, 0));
    if (addresses.empty()) return answer(fail(Code::io, "no such host"));
    answer(std::move(addresses));
  }

  void add(std::string line) { told_.push_back(std::move(line)); }

  // Waits for so many more look-ups of the host.
  bool wait(const std::string& host, int more) {
    const int enough = asked_[host] + more;
    return loop_.run_until([&] { return asked_[host] >= enough; });
  }

  Loop loop_;
  std::map<std::string, Lines> zone_;
  std::map<std::string, int> asked_;
  Lines told_;
};

TEST_F(Names, AreLookedUpAtOnceAndAgain) {
  zone_["a"] = {"10.0.0.1"};
  HostNames names = make();
  names.keep({"a"});
  EXPECT_EQ(told_, Lines{"a=10.0.0.1"});
  zone_["a"] = {"10.0.0.2"};
  EXPECT_TRUE(wait("a", 1));
  EXPECT_EQ(told_, (Lines{"a=10.0.0.1", "a=10.0.0.2"}));
}

TEST_F(Names, KeepTheirAddressAsLongAsItIsAmongTheAnswers) {
  zone_["a"] = {"10.0.0.1"};
  HostNames names = make();
  names.keep({"a"});
  zone_["a"] = {"10.0.0.9", "10.0.0.1"};
  EXPECT_TRUE(wait("a", 2));
  EXPECT_EQ(told_, Lines{"a=10.0.0.1"});
}

TEST_F(Names, KeepTheirAddressThroughFailuresWhichAreToldOnce) {
  zone_["a"] = {"10.0.0.1"};
  HostNames names = make();
  names.keep({"a"});
  zone_["a"] = {};
  EXPECT_TRUE(wait("a", 3));
  EXPECT_EQ(told_, (Lines{"a=10.0.0.1", "a failed, has 10.0.0.1: no such host"}));
}

TEST_F(Names, AreRetriedSoonerWhileTheyHaveNoAddress) {
  HostNames names = make(1000s, 1ms);
  names.keep({"a"});
  EXPECT_EQ(told_, Lines{"a failed, has : no such host"});
  EXPECT_TRUE(wait("a", 2));
  zone_["a"] = {"::1"};
  EXPECT_TRUE(loop_.run_until([&] { return told_.size() == 2; }));
  EXPECT_EQ(told_.back(), "a=::1");
}

TEST_F(Names, AreForgottenWhenNobodyKeepsThem) {
  zone_["a"] = zone_["b"] = {"10.0.0.1"};
  HostNames names = make();
  names.keep({"a", "b"});
  names.keep({"b"});
  const int asked = asked_["a"];
  EXPECT_TRUE(wait("b", 3));
  EXPECT_EQ(asked_["a"], asked);
}

TEST(HostNames, IgnoreAnswersThatComeTooLate) {
  Loop loop;
  std::deque<HostNames::Answer> open;
  int found = 0;
  {
    HostNames names(
        loop,
        {.look_up = [&](const std::string&,
                        HostNames::Answer answer) { open.push_back(std::move(answer)); }},
        {.found = [&](const std::string&, const std::string&) { ++found; },
         .failed = [](const std::string&, const std::string&, const Error&) {}});
    names.keep({"a"});
    names.keep({});
    open[0](std::vector{*Address::parse("10.0.0.1", 0)});
    names.keep({"a"});
  }
  open[1](std::vector{*Address::parse("10.0.0.1", 0)});
  EXPECT_EQ(found, 0);
}

TEST(HostNames, AskTheSystemsResolverByDefault) {
  Loop loop;
  std::string address;
  HostNames names(loop, {},
                  {.found = [&](const std::string&, const std::string& ip) { address = ip; },
                   .failed = [](const std::string&, const std::string&, const Error&) {}});
  names.keep({"localhost"});
  EXPECT_TRUE(loop.run_until([&] { return !address.empty(); }));
  EXPECT_TRUE(address == "127.0.0.1" || address == "::1") << address;
}

}  // namespace
}  // namespace pointsman
