#include "pointsman/fleet/static_endpoints.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/model/endpoint_protocol.h"

namespace pointsman {
namespace {

std::vector<Endpoint> parse(const std::vector<std::string>& urls) {
  auto endpoints = parse_endpoint_flags(urls);
  EXPECT_TRUE(endpoints.has_value()) << endpoints.error().message;
  return endpoints ? *std::move(endpoints) : std::vector<Endpoint>{};
}

std::string refused(const std::vector<std::string>& urls) {
  const auto endpoints = parse_endpoint_flags(urls);
  return endpoints ? "accepted" : endpoints.error().message;
}

TEST(EndpointFlags, NameEndpointsByHostAndPort) {
  const auto endpoints =
      parse({"http://10.0.0.1:8000", "https://gpu-1", "http://[::1]:8001/", "gpu-2:8002"});
  ASSERT_EQ(endpoints.size(), 4U);
  EXPECT_EQ(endpoints[0].id, "default/10.0.0.1:8000");
  EXPECT_EQ(endpoints[0].address, "10.0.0.1");
  EXPECT_FALSE(endpoints[0].tls);
  EXPECT_EQ(endpoints[1].id, "default/gpu-1:443");
  EXPECT_EQ(endpoints[1].address, "");
  EXPECT_TRUE(endpoints[1].tls);
  EXPECT_EQ(endpoints[2].id, "default/[::1]:8001");
  EXPECT_EQ(endpoints[2].host_port, "[::1]:8001");
  EXPECT_EQ(endpoints[3].host_port, "gpu-2:8002");
}

TEST(EndpointFlags, SayByTheirSchemeThatAServerSpeaksHttp2) {
  const auto endpoints = parse({"h2c://10.0.0.1:8000", "http://10.0.0.1:8001", "h2c://gpu-1"});
  ASSERT_EQ(endpoints.size(), 3U);
  EXPECT_TRUE(speaks_http2(endpoints[0]));
  EXPECT_EQ(endpoints[0].id, "default/10.0.0.1:8000");
  EXPECT_FALSE(speaks_http2(endpoints[1]));
  EXPECT_TRUE(speaks_http2(endpoints[2]));
  EXPECT_EQ(endpoints[2].port, 80);
  EXPECT_FALSE(endpoints[2].tls);
  EXPECT_EQ(refused({"h2c://a:1", "http://a:1"}), "--endpoint http://a:1: given twice");
}

TEST(EndpointFlags, ShowNoPassword) {
  for (const std::string url : {"http://user:secret@host:1", "user:secret@host:1"}) {
    EXPECT_EQ(
        refused({url}),
        "--endpoint ...@host:1: there is a user name in it; a key for model servers stands in "
        "--upstream-api-key-file");
  }
}

TEST(EndpointFlags, AreRefusedWithTheReason) {
  EXPECT_EQ(refused({"http://a:1", "http://b:1", "http://a:1/"}),
            "--endpoint http://a:1/: given twice");
  EXPECT_EQ(refused({"http://a:1/v1"}),
            "--endpoint http://a:1/v1: give the server's address alone, without the path /v1");
  EXPECT_EQ(refused({"http://10.0.0.256:1"}),
            "--endpoint http://10.0.0.256:1: \"10.0.0.256\" is no host");
  for (const std::string url :
       {"", "ftp://a:1", "http://", "http://a:99999", "http://a:0", "a b:1", "unix:/x"}) {
    EXPECT_TRUE(refused({url}).starts_with("--endpoint " + url + ": ")) << refused({url});
  }
}

}  // namespace
}  // namespace pointsman
