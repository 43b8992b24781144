#include "pointsman/plugins/filters/header_testing.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::make;
using testing::Scene;
using Names = std::vector<std::string>;

// The names kept for a header value, of a (10.0.0.1:1), a2 (10.0.0.1:2), b (10.0.0.2:1) and
// six ([fd00::1]:1).
Names kept(std::string_view value) {
  std::vector<Endpoint> endpoints;
  const auto add = [&](std::string name, std::string address, std::uint16_t port) {
    Endpoint e{.name = std::move(name),
               .address = std::move(address),
               .port = port,
               .key = {static_cast<std::uint32_t>(endpoints.size())}};
    e.complete();
    endpoints.push_back(std::move(e));
  };
  add("a", "10.0.0.1", 1);
  add("a2", "10.0.0.1", 2);
  add("b", "10.0.0.2", 1);
  add("six", "fd00::1", 1);
  Scene scene({});
  scene.fleet = Fleet(std::make_shared<const std::vector<Endpoint>>(std::move(endpoints)));
  scene.begin();
  const std::vector<Header> headers{{"test-epp-endpoint-selection", value}};
  scene.request.headers = headers;
  return testing::kept(*make<HeaderTestingFilter>({}, scene.table), scene);
}

TEST(HeaderTestingFilter, KeepsTheNamedEndpoints) {
  EXPECT_EQ(kept("10.0.0.2"), Names{"b"});
  EXPECT_EQ(kept("10.0.0.1:1"), Names{"a"});
  EXPECT_EQ(kept(" 10.0.0.1:2 , 10.0.0.2:1 "), (Names{"a2", "b"}));
  EXPECT_EQ(kept("10.0.0.2:9"), Names{});
}

TEST(HeaderTestingFilter, MeansTheLastCandidateWhereNoPortIsGiven) {
  EXPECT_EQ(kept("10.0.0.1"), Names{"a2"});
}

TEST(HeaderTestingFilter, KeepsOneEndpointPerAddress) {
  EXPECT_EQ(kept("10.0.0.1:1,10.0.0.1:2"), Names{"a"});
}

TEST(HeaderTestingFilter, ReadsIpv6WithAndWithoutBrackets) {
  EXPECT_EQ(kept("fd00::1"), Names{"six"});
  EXPECT_EQ(kept("[fd00::1]"), Names{"six"});
  EXPECT_EQ(kept("[fd00::1]:1"), Names{"six"});
  EXPECT_EQ(kept("[fd00::1]:2"), Names{});
  EXPECT_EQ(kept("[fd00::1"), Names{});
}

TEST(HeaderTestingFilter, KeepsNothingWithoutTheHeader) {
  EXPECT_EQ(kept(""), Names{});
  EXPECT_EQ(kept(" , ,"), Names{});
}

}  // namespace
}  // namespace pointsman
