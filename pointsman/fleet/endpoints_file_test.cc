#include "pointsman/fleet/endpoints_file.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

EndpointsFile parse(std::string_view text, HostRule rule = HostRule::ipv4) {
  auto file = EndpointsFile::parse(text, rule);
  EXPECT_TRUE(file.has_value()) << file.error().message;
  return file ? *std::move(file) : EndpointsFile{};
}

std::string refused(std::string_view text) {
  const auto file = EndpointsFile::parse(text, HostRule::ipv4);
  return file ? "accepted" : file.error().message;
}

// "<id> <host_port>" of every endpoint.
std::vector<std::string> places(const EndpointsFile& file) {
  std::vector<std::string> out;
  for (const Endpoint& e : file.endpoints) out.push_back(e.id + " " + e.host_port);
  return out;
}

using Lines = std::vector<std::string>;

// What is wrong with an entry of this address and port.
std::string entry_problem(std::string_view address, std::string_view port,
                          HostRule rule = HostRule::ipv4) {
  const EndpointsFile file = parse("endpoints: [{name: one, address: \"" + std::string(address) +
                                       "\", port: \"" + std::string(port) + "\"}]",
                                   rule);
  return file.bad.empty() ? "none" : file.bad.front().text;
}

TEST(EndpointsFile, ListsEndpointsInTheirOrder) {
  const EndpointsFile file = parse(
      "endpoints:\n"
      "- name: ep1\n"
      "  namespace: ns1\n"
      "  address: 10.0.0.1\n"
      "  port: \"8000\"\n"
      "  labels: {k: v, empty: ~}\n"
      "- {name: ep2, address: 10.0.0.2, port: \"8001\"}\n");
  EXPECT_EQ(places(file), (Lines{"ns1/ep1 10.0.0.1:8000", "default/ep2 10.0.0.2:8001"}));
  EXPECT_EQ(*file.endpoints[0].label("k"), "v");
  EXPECT_EQ(*file.endpoints[0].label("empty"), "");
  EXPECT_EQ(file.endpoints[0].metrics_host, "10.0.0.1:8000");
  EXPECT_EQ(file.endpoints[0].pod, "ep1");
  EXPECT_TRUE(file.bad.empty());
}

TEST(EndpointsFile, MayBeJson) {
  EXPECT_EQ(places(parse(R"({"endpoints":[{"name":"a","address":"10.0.0.1","port":"8000"}]})")),
            Lines{"default/a 10.0.0.1:8000"});
}

TEST(EndpointsFile, HasNoEndpointsWhenItSaysNothingOfThem) {
  for (const std::string_view text : {"", "{}", "endpoints:", "endpoints: []", "other: [1]", "~",
                                      "# nothing\n", "endpoints: [~]"}) {
    EXPECT_TRUE(places(parse(text)).empty()) << text;
  }
}

TEST(EndpointsFile, MatchesKeysWithoutRegardToCaseAndIgnoresOthers) {
  EXPECT_EQ(places(parse("Endpoints: [{NAME: a, Address: 10.0.0.1, pORT: \"80\", color: red}]")),
            Lines{"default/a 10.0.0.1:80"});
}

TEST(EndpointsFile, TakesTheLastOfEntriesAndKeysWrittenTwice) {
  EXPECT_EQ(places(parse("endpoints:\n"
                         "- {name: a, address: 10.0.0.1, port: \"1\"}\n"
                         "- {name: b, address: 10.0.0.2, port: \"1\"}\n"
                         "- {name: a, address: 10.0.0.3, port: \"1\", port: \"2\"}\n")),
            (Lines{"default/a 10.0.0.3:2", "default/b 10.0.0.2:1"}));
}

TEST(EndpointsFile, AcceptsPortsAsTextAndAsNumbers) {
  EXPECT_EQ(entry_problem("10.0.0.1", "08000"), "none");
  EXPECT_EQ(places(parse("endpoints: [{name: a, address: 10.0.0.1, port: 8000}]")),
            Lines{"default/a 10.0.0.1:8000"});
}

TEST(EndpointsFile, KeepsBadEntriesApart) {
  const EndpointsFile file = parse(
      "endpoints:\n"
      "- {name: a, address: ::1, port: \"1\"}\n"
      "- {name: b, address: 10.0.0.2, port: \"1\"}\n"
      "- {address: 10.0.0.3, port: \"1\"}\n");
  EXPECT_EQ(places(file), Lines{"default/b 10.0.0.2:1"});
  ASSERT_EQ(file.bad.size(), 2U);
  EXPECT_EQ(file.bad[0].id, "default/a");
  EXPECT_EQ(file.bad[0].text, "endpoint \"a\": invalid IPv4 address \"::1\"");
  EXPECT_EQ(file.bad[1].text, "endpoint \"\": name is empty");
}

TEST(EndpointsFile, SaysWhatIsWrongWithAnEntry) {
  for (const std::string_view address : {"::1", "not-an-ip", "host.example.com", "", "10.0.0",
                                         "10.0.0.256", "10.0.0.1:80", " 10.0.0.1"}) {
    EXPECT_EQ(entry_problem(address, "80"),
              "endpoint \"one\": invalid IPv4 address \"" + std::string(address) + "\"");
  }
  for (const std::string_view port :
       {"99999", "0", "-1", "", "http", "80x", "+80", " 80", "65536", "99999999999999999999"}) {
    EXPECT_EQ(entry_problem("10.0.0.1", port),
              "endpoint \"one\": invalid port \"" + std::string(port) + "\"");
  }
}

TEST(EndpointsFile, AcceptsIpv6AndHostNamesWhereTheRuleDoes) {
  const EndpointsFile file = parse(
      "endpoints:\n"
      "- {name: a, address: \"::1\", port: 80}\n"
      "- {name: b, address: gpu-1.cluster, port: 80}\n"
      "- {name: c, address: 10.0.0.1, port: 80}\n",
      HostRule::any);
  EXPECT_EQ(places(file),
            (Lines{"default/a [::1]:80", "default/b gpu-1.cluster:80", "default/c 10.0.0.1:80"}));
  EXPECT_EQ(file.endpoints[0].address, "::1");
  EXPECT_EQ(file.endpoints[1].address, "");
  EXPECT_EQ(file.endpoints[1].host, "gpu-1.cluster");
}

TEST(EndpointsFile, RefusesWhatIsNoHost) {
  for (const std::string_view host :
       {"10.0.0.1", "::1", "gw.cluster-a.example.com", "gateway", "3com.example.com", "12345"}) {
    EXPECT_EQ(entry_problem(host, "80", HostRule::any), "none") << host;
  }
  for (const std::string_view host :
       {"", "gw:443", "user@host", "-bad.example.com", "gw..example.com", "10.0.0.256", ".x", "a b",
        "[::1]", "http://a", "a/b"}) {
    EXPECT_EQ(entry_problem(host, "80", HostRule::any),
              "endpoint \"one\": invalid host \"" + std::string(host) + "\"");
  }
}

TEST(EndpointsFile, IsRefusedWholeWhenAValueHasTheWrongType) {
  EXPECT_EQ(refused("endpoints: 1"), "line 1: endpoints must be a list, not number");
  EXPECT_EQ(refused("[1]"), "line 1: an endpoints file must be an object, not array");
  EXPECT_EQ(refused("endpoints: [x]"), "line 1: an endpoint must be an object, not string");
  EXPECT_EQ(refused("endpoints:\n- {name: yes}"),
            "line 2: name must be a string (in quotes), not bool");
  EXPECT_EQ(refused("endpoints:\n- {name: 12}"),
            "line 2: name must be a string (in quotes), not number");
  EXPECT_EQ(refused("endpoints: [{name: a, port: 8.5}]"),
            "line 1: port must be a string or a whole number, not number");
  EXPECT_EQ(refused("endpoints: [{name: a, labels: [x]}]"),
            "line 1: labels must be an object, not array");
  EXPECT_EQ(refused("endpoints: [{name: a, labels: {x: y}}]"),
            "line 1: label x must be a string (in quotes), not bool");
}

TEST(EndpointsFile, IsRefusedWhenItIsNotYaml) {
  EXPECT_TRUE(refused("endpoints: [").contains("yaml: ")) << refused("endpoints: [");
}

}  // namespace
}  // namespace pointsman
