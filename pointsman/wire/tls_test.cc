// Which suites and versions a server lets its clients have; each client here offers exactly one
// suite. Everything else about TLS: stream_test.cc.

#include "pointsman/wire/tls.h"

#include <memory>
#include <openssl/ssl.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/wire/listener.h"
#include "pointsman/wire/tls_stream.h"

namespace pointsman {
namespace {

using Server = std::shared_ptr<TlsContext>;

// Whether the server takes a client that speaks TLS 1.2 with `suite` alone (OpenSSL's name), or
// TLS 1.3 alone if it is empty.
bool takes(const Server& server, const char* suite) {
  Loop loop;
  const auto client = *TlsContext::client({.verify = false});
  SSL_CTX* const context = client->keys()->context.get();
  if (std::string_view(suite).empty()) {
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  } else {
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    EXPECT_EQ(SSL_CTX_set_cipher_list(context, suite), 1) << suite;
  }
  const auto listener =
      *Listener::open(loop, *Address::parse("127.0.0.1:0"), {.tls = server}, {{loop, [](auto) {}}});
  std::optional<bool> taken;
  const auto connecting = connect(loop, listener->address(), {.tls = client},
                                  [&](auto stream) { taken = stream.has_value(); });
  EXPECT_TRUE(loop.run_until([&] { return taken.has_value(); }));
  return taken.value_or(false);
}

constexpr const char* kEcdsa = "ECDHE-ECDSA-AES128-GCM-SHA256";
constexpr const char* kRsa = "ECDHE-RSA-AES128-GCM-SHA256";
constexpr const char* kTls13 = "";

TEST(TlsSuites, HaveASelfSignedKeyOfTheirKind) {
  const Server rsa = *TlsContext::server({.ciphers = {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}});
  EXPECT_TRUE(takes(rsa, kRsa));
  EXPECT_TRUE(takes(rsa, kTls13));
  EXPECT_FALSE(takes(rsa, kEcdsa));
  const Server both = *TlsContext::server(
      {.ciphers = {"TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}});
  EXPECT_TRUE(takes(both, "AES128-GCM-SHA256"));
  EXPECT_TRUE(takes(both, kEcdsa));
}

TEST(TlsSuites, OfTls13AloneLeaveNothingOlder) {
  const std::vector<std::string> newest{"TLS_AES_128_GCM_SHA256"};
  const Server server = *TlsContext::server({.ciphers = newest});
  EXPECT_TRUE(takes(server, kTls13));
  EXPECT_FALSE(takes(server, kEcdsa));
  EXPECT_FALSE(
      takes(*TlsContext::server({.min_version = TlsVersion::v1_0, .ciphers = newest}), kEcdsa));
  EXPECT_TRUE(takes(*TlsContext::server({}), kEcdsa));
}

}  // namespace
}  // namespace pointsman
