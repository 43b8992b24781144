#include "pointsman/wire/address.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

TEST(Address, PrintsWhatItReads) {
  for (const auto* text : {"127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:8080",
                           "[2001:db8::1]:443", "[::]:9002"}) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address.has_value()) << text;
    EXPECT_EQ(address->text(), text);
  }
}

TEST(Address, RefusesEverythingElse) {
  for (const auto* text : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                           "127.0.0.1: 80", "127.0.0.1:80x", "127.1:80", "localhost:80", "::1:80",
                           "[::1]", "[::1]80", "[::1:80", "[127.0.0.1]x:80", "1.2.3.4.5:80"}) {
    EXPECT_FALSE(Address::parse(text).has_value()) << text;
  }
}

TEST(Address, ReadsALoneHost) {
  EXPECT_EQ(Address::parse("::1", 5)->text(), "[::1]:5");
  EXPECT_EQ(Address::parse("[::1]", 5)->text(), "[::1]:5");
  EXPECT_EQ(Address::parse("10.0.0.1", 5)->text(), "10.0.0.1:5");
  EXPECT_FALSE(Address::parse("host", 5).has_value());
  EXPECT_EQ(Address::parse("10.0.0.1", 5)->host(), "10.0.0.1");
  EXPECT_EQ(Address::parse("::1", 5)->host(), "::1");
}

TEST(HostPort, ReadsNamesAndAddresses) {
  EXPECT_EQ(HostPort::parse("vllm-0.pods.svc:8000")->host, "vllm-0.pods.svc");
  EXPECT_EQ(HostPort::parse("vllm:8000")->port, 8000);
  EXPECT_EQ(HostPort::parse("vllm", 80)->text(), "vllm:80");
  EXPECT_EQ(HostPort::parse("[::1]:80")->host, "::1");
  EXPECT_EQ(HostPort::parse("::1", 80)->text(), "[::1]:80");
  for (const auto* text : {"", "vllm", ":80", "a b:80", "a/b:80", "a@b:80", "[x]:80", "[::1]x:80",
                           "a:b:80", "a:99999", "a:"}) {
    EXPECT_FALSE(HostPort::parse(text).has_value()) << text;
  }
  EXPECT_FALSE(HostPort::parse(std::string(300, 'a'), 80).has_value());
}

TEST(Url, ReadsSchemeHostPortAndBase) {
  const auto url = Url::parse("https://host:8443/base/v1/?x=1");
  ASSERT_TRUE(url.has_value());
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host.text(), "host:8443");
  EXPECT_EQ(url->path, "/base/v1/?x=1");
  EXPECT_EQ(Url::parse("http://h")->host.port, 80);
  EXPECT_EQ(Url::parse("https://h")->host.port, 443);
  EXPECT_EQ(Url::parse("h:81/a/")->path, "/a");
  EXPECT_EQ(Url::parse("http://[::1]:8000")->text(), "http://[::1]:8000");
  EXPECT_EQ(Url::parse("http://h?x")->path, "/?x");
  EXPECT_EQ(Url::parse("ftp://h").error().message, "unsupported scheme: ftp");
  for (const auto* text :
       {"", "http://", "http://:80", "http://u@h", "http://h/a b", "http://h/#f"}) {
    EXPECT_FALSE(Url::parse(text).has_value()) << text;
  }
}

TEST(StripScheme, LeavesHostAndPortOrTheInput) {
  EXPECT_EQ(strip_scheme("http://localhost:4317"), "localhost:4317");
  EXPECT_EQ(strip_scheme("https://h:1/path"), "h:1");
  EXPECT_EQ(strip_scheme("http://user@h:1"), "h:1");
  EXPECT_EQ(strip_scheme("localhost:4317"), "localhost:4317");
  EXPECT_EQ(strip_scheme("http://"), "http://");
  EXPECT_EQ(strip_scheme(""), "");
}

TEST(Resolve, FindsLocalhostAndReadsAddresses) {
  Loop loop;
  std::vector<std::string> found;
  int answers = 0;
  resolve(loop, {"localhost", 99}, [&](Result<std::vector<Address>> result) {
    ++answers;
    ASSERT_TRUE(result.has_value()) << result.error().message;
    for (const auto& address : *result) found.push_back(address.text());
  });
  resolve(loop, {"10.1.2.3", 7}, [&](Result<std::vector<Address>> result) {
    ++answers;
    ASSERT_EQ(result->size(), 1U);
    EXPECT_EQ(result->front().text(), "10.1.2.3:7");
  });
  EXPECT_EQ(answers, 0) << "answers come from the loop";
  EXPECT_TRUE(loop.run_until([&] { return answers == 2; }));
  EXPECT_TRUE(std::ranges::any_of(
      found, [](const auto& text) { return text == "127.0.0.1:99" || text == "[::1]:99"; }));
}

TEST(Resolve, SaysWhyItCannot) {
  Loop loop;
  std::string reason;
  resolve(loop, {"no-such-host.invalid", 99}, [&](Result<std::vector<Address>> result) {
    ASSERT_FALSE(result.has_value());
    reason = result.error().message;
  });
  EXPECT_TRUE(loop.run_until([&] { return !reason.empty(); }, std::chrono::seconds(60)));
  EXPECT_TRUE(reason.starts_with("cannot resolve no-such-host.invalid: ")) << reason;
}

}  // namespace
}  // namespace pointsman
