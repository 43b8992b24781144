#include "pointsman/wire/stream.h"

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/random.h"
#include "pointsman/wire/listener.h"
#include "pointsman/wire/tls.h"

namespace pointsman {
namespace {

using std::chrono::milliseconds;

Address loopback(std::uint16_t port = 0) {
  return *Address::parse("127.0.0.1", port);
}

std::shared_ptr<TlsContext> server_tls(std::vector<std::string> alpn = {}) {
  return *TlsContext::server({.alpn = std::move(alpn)});
}

std::shared_ptr<TlsContext> client_tls(std::vector<std::string> alpn = {}) {
  return *TlsContext::client({.verify = false, .alpn = std::move(alpn)});
}

// Two ends of one connection on one loop.
struct Pair {
  explicit Pair(bool tls, std::vector<std::string> server_alpn = {},
                std::vector<std::string> client_alpn = {}) {
    ListenOptions options;
    ConnectOptions with;
    if (tls) {
      options.tls = server_tls(std::move(server_alpn));
      with.tls = client_tls(std::move(client_alpn));
    }
    auto opened = Listener::open(loop, loopback(), std::move(options),
                                 {{loop, [this](auto stream) { server = std::move(stream); }}});
    listener = *std::move(opened);
    connecting = connect(loop, listener->address(), std::move(with), [this](auto stream) {
      ASSERT_TRUE(stream.has_value()) << stream.error().message;
      client = *std::move(stream);
    });
    EXPECT_TRUE(loop.run_until([&] { return client && server; }));
  }

  // Reads `from` until `bytes` have come.
  std::string receive(Stream& from, std::size_t bytes) {
    std::string got;
    EXPECT_TRUE(loop.run_until([&] {
      while (got.size() < bytes) {
        const auto read = from.read(loop.scratch());
        if (!read || read->bytes == 0) break;
        got.append(loop.scratch().data(), read->bytes);
      }
      if (got.size() < bytes) from.when_readable([] {});
      return got.size() >= bytes;
    }));
    return got;
  }

  Loop loop;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Connecting> connecting;
  std::unique_ptr<Stream> client;
  std::unique_ptr<Stream> server;
};

std::size_t write(Stream& to, std::string_view bytes) {
  const auto taken = to.write(std::span(&bytes, 1));
  EXPECT_TRUE(taken.has_value());
  return taken.value_or(0);
}

// Everything a Stream promises, of the plain and of the TLS one.
class Streams : public testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(, Streams, testing::Values(false, true),
                         [](const auto& tls) { return tls.param ? "tls" : "plain"; });

TEST_P(Streams, CarryBytesBothWaysAndGatherParts) {
  Pair pair(GetParam());
  const std::array<std::string_view, 4> parts{"one ", "", "two ", "three"};
  EXPECT_EQ(*pair.client->write(parts), 13U);
  EXPECT_EQ(pair.receive(*pair.server, 13), "one two three");
  EXPECT_EQ(write(*pair.server, "back"), 4U);
  EXPECT_EQ(pair.receive(*pair.client, 4), "back");
  EXPECT_EQ(pair.server->peer().host(), "127.0.0.1");
  EXPECT_EQ(pair.client->peer(), pair.listener->address());
}

TEST_P(Streams, ReadNothingWhenNothingIsThere) {
  Pair pair(GetParam());
  const auto read = pair.server->read(pair.loop.scratch());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->bytes, 0U);
  EXPECT_FALSE(read->end);
}

TEST_P(Streams, WakeAgainForWhatASmallBufferLeftBehind) {
  Pair pair(GetParam());
  write(*pair.client, "abcdef");
  std::string got;
  std::array<char, 2> small{};
  std::move_only_function<void()> next;
  next = [&] {
    const auto read = pair.server->read(small);
    ASSERT_TRUE(read.has_value());
    got.append(small.data(), read->bytes);
    pair.server->when_readable([&] { next(); });
  };
  pair.server->when_readable([&] { next(); });
  EXPECT_TRUE(pair.loop.run_until([&] { return got.size() == 6; }));
  EXPECT_EQ(got, "abcdef");
}

TEST_P(Streams, PushBackWhenThePeerDoesNotReadAndGoOnWhenItDoes) {
  Pair pair(GetParam());
  Random random(1);
  std::string sent;
  for (int i = 0; i < 1'000'000; ++i) sent += static_cast<char>(random.next());
  for (int i = 0; i < 4; ++i) sent += sent;
  std::size_t at = 0;
  bool stuck = false;
  while (!stuck && at < sent.size()) {
    const std::size_t taken = write(*pair.client, std::string_view(sent).substr(at));
    stuck = taken == 0;
    at += taken;
  }
  ASSERT_TRUE(stuck) << "the kernel has taken 16 MB";
  std::move_only_function<void()> more;
  more = [&] {
    at += write(*pair.client, std::string_view(sent).substr(at));
    if (at < sent.size()) pair.client->when_writable([&] { more(); });
  };
  pair.client->when_writable([&] { more(); });
  EXPECT_EQ(pair.receive(*pair.server, sent.size()), sent);
}

TEST_P(Streams, SeeTheOrderlyEndAndStillSend) {
  Pair pair(GetParam());
  write(*pair.client, "last words");
  pair.client->finish();
  bool ended = false;
  std::string got;
  std::move_only_function<void()> next;
  next = [&] {
    const auto read = pair.server->read(pair.loop.scratch());
    ASSERT_TRUE(read.has_value()) << read.error().message;
    got.append(pair.loop.scratch().data(), read->bytes);
    ended = read->end;
    if (!ended) pair.server->when_readable([&] { next(); });
  };
  pair.server->when_readable([&] { next(); });
  EXPECT_TRUE(pair.loop.run_until([&] { return ended; }));
  EXPECT_EQ(got, "last words");
  write(*pair.server, "answer");
  EXPECT_EQ(pair.receive(*pair.client, 6), "answer");
}

TEST_P(Streams, SeeAReset) {
  Pair pair(GetParam());
  bool failed = false;
  std::move_only_function<void()> next;
  next = [&] {
    const auto read = pair.server->read(pair.loop.scratch());
    failed = !read.has_value();
    if (!failed) pair.server->when_readable([&] { next(); });
  };
  pair.server->when_readable([&] { next(); });
  pair.client->close(true);
  EXPECT_TRUE(pair.loop.run_until([&] { return failed; }));
  EXPECT_FALSE(pair.client->open());
  EXPECT_FALSE(pair.client->read(pair.loop.scratch()).has_value());
}

TEST_P(Streams, MayBeDestroyedInTheirOwnCallback) {
  Pair pair(GetParam());
  bool woken = false;
  pair.server->when_readable([&, keep = std::string(100, 'x')] {
    pair.server.reset();
    woken = keep.size() == 100;
  });
  write(*pair.client, "x");
  EXPECT_TRUE(pair.loop.run_until([&] { return woken; }));
  EXPECT_TRUE(pair.loop.run_until([&] { return pair.listener->connections() == 0; }));
}

TEST_P(Streams, CallNothingAfterClose) {
  Pair pair(GetParam());
  int woken = 0;
  pair.server->when_readable([&] { ++woken; });
  pair.server->when_writable([&] { ++woken; });
  write(*pair.client, "x");
  pair.server->close();
  EXPECT_FALSE(pair.loop.run_until([&] { return woken > 0; }, milliseconds(10)));
}

TEST_P(Streams, WriteFailsOnceThePeerIsGone) {
  Pair pair(GetParam());
  pair.server->close(true);
  bool failed = false;
  std::move_only_function<void()> next;
  next = [&] {
    const std::string_view byte = "x";
    failed = !pair.client->write(std::span(&byte, 1)).has_value();
    if (!failed) pair.client->when_writable([&] { next(); });
  };
  next();
  EXPECT_TRUE(pair.loop.run_until([&] { return failed; }));
}

TEST(Tls, AgreesOnAProtocol) {
  EXPECT_EQ(Pair(true, {"h2", "http/1.1"}, {"http/1.1", "h2"}).server->alpn(), "h2");
  EXPECT_EQ(Pair(true, {"h2"}, {"h2"}).client->alpn(), "h2");
  EXPECT_EQ(Pair(true, {"h2"}, {}).server->alpn(), "");
  EXPECT_EQ(Pair(false).server->alpn(), "");
}

// Connects and gives the error, or "" if it worked.
std::string attempt(Loop& loop, const Address& to, ConnectOptions options) {
  std::string error = "?";
  const auto connecting = connect(loop, to, std::move(options), [&](auto stream) {
    error = stream ? "" : stream.error().message;
  });
  EXPECT_EQ(error, "?") << "called back before connect() returned";
  EXPECT_TRUE(loop.run_until([&] { return error != "?"; }));
  return error;
}

TEST(Tls, RefusesACertificateThatNobodyVouchesFor) {
  Pair pair(true);
  auto strict = *TlsContext::client({});
  const auto error =
      attempt(pair.loop, pair.listener->address(), {.tls = strict, .server_name = "localhost"});
  EXPECT_NE(error.find("self-signed certificate"), std::string::npos) << error;
}

TEST(Tls, RefusesAClientWithoutCommonProtocolOrOldVersion) {
  Loop loop;
  const auto listener = *Listener::open(
      loop, loopback(),
      {.tls = *TlsContext::server({.min_version = TlsVersion::v1_3, .alpn = {"h2"}})},
      {{loop, [](auto) {}}});
  EXPECT_NE(attempt(loop, listener->address(), {.tls = client_tls({"http/1.1"})}), "");
  EXPECT_EQ(attempt(loop, listener->address(), {.tls = client_tls({"h2"})}), "");
}

TEST(Tls, SaysWhatIsWrongWithItsOptions) {
  EXPECT_EQ(TlsContext::server({.ciphers = {"TLS_NOPE"}}).error().message,
            "unknown cipher suite \"TLS_NOPE\"");
  EXPECT_TRUE(TlsContext::server({.ciphers = {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                                              "TLS_AES_128_GCM_SHA256"}})
                  .has_value());
  const auto missing =
      TlsContext::server({.certificate_file = "/no/tls.crt", .key_file = "/no/tls.key"});
  EXPECT_EQ(missing.error().message,
            "cannot use the certificate in /no/tls.crt: No such file or directory");
  EXPECT_FALSE(TlsContext::client({.ca_file = "/no/ca.crt"}).has_value());
}

TEST(Tls, DropsAClientThatNeverShakesHands) {
  Loop loop;
  bool taken = false;
  const auto listener = *Listener::open(
      loop, loopback(), {.tls = server_tls(), .handshake_timeout = milliseconds(20)},
      {{loop, [&](auto) { taken = true; }}});
  std::unique_ptr<Stream> silent;
  const auto connecting =
      connect(loop, listener->address(), {}, [&](auto stream) { silent = *std::move(stream); });
  EXPECT_TRUE(loop.run_until([&] { return listener->connections() == 1; }));
  EXPECT_TRUE(loop.run_until([&] { return listener->connections() == 0; }));
  EXPECT_FALSE(taken);
}

TEST(Tls, DropsAClientThatSpeaksSomethingElse) {
  Loop loop;
  const auto listener =
      *Listener::open(loop, loopback(), {.tls = server_tls()}, {{loop, [](auto) {}}});
  std::unique_ptr<Stream> plain;
  const auto connecting = connect(loop, listener->address(), {}, [&](auto stream) {
    plain = *std::move(stream);
    write(*plain, "GET / HTTP/1.1\r\n\r\n");
  });
  EXPECT_TRUE(loop.run_until([&] { return plain && listener->connections() == 0; }));
}

TEST(Connect, SaysWhoRefused) {
  Loop loop;
  Address to;
  {
    const auto listener = *Listener::open(loop, loopback(), {}, {{loop, [](auto) {}}});
    to = listener->address();
  }
  EXPECT_EQ(attempt(loop, to, {}), "cannot connect to " + to.text() + ": Connection refused");
}

TEST(Connect, GivesUpAtItsTimeout) {
  Loop loop;
  // The peer accepts TCP and then stays silent in the TLS handshake.
  std::unique_ptr<Stream> silent;
  const auto listener = *Listener::open(loop, loopback(), {},
                                        {{loop, [&](auto stream) { silent = std::move(stream); }}});
  const auto error =
      attempt(loop, listener->address(), {.timeout = milliseconds(20), .tls = client_tls()});
  EXPECT_EQ(error, "the TLS handshake with " + listener->address().text() + " took too long");
}

TEST(Connect, CallsNothingOnceGivenUp) {
  Loop loop;
  const auto listener = *Listener::open(loop, loopback(), {}, {{loop, [](auto) {}}});
  bool called = false;
  auto connecting = connect(loop, listener->address(), {}, [&](auto) { called = true; });
  connecting.reset();
  EXPECT_FALSE(loop.run_until([&] { return called; }, milliseconds(10)));
}

}  // namespace
}  // namespace pointsman
