#include "pointsman/wire/grpc_server.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/wire/listener.h"
#include "pointsman/wire/testing/http2_client.h"

namespace pointsman {
namespace {

constexpr auto kShort = std::chrono::milliseconds(20);

std::string framed(std::string_view message) {
  std::string out(1, '\0');
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    out += static_cast<char>(message.size() >> shift);
  }
  return out.append(message);
}

struct Log {
  std::vector<GrpcCall*> calls;
  int received = 0;
  int cancelled = 0;
};

class Echo final : public GrpcReceiver {
 public:
  Echo(GrpcCall& call, Log& log) : call_(call), log_(log) { log_.calls.push_back(&call); }
  void received(std::string_view message) override {
    ++log_.received;
    call_.write(message);
  }
  void half_closed() override { call_.finish(GrpcStatus::ok); }
  void cancelled(GrpcStatus, std::string_view) override { ++log_.cancelled; }

 private:
  GrpcCall& call_;
  Log& log_;
};

struct Counts {
  int reads = 0;  // which brought bytes
  int writes = 0;
};

// Counts how often its stream is asked to send, and how often it has received.
class CountedStream final : public Stream {
 public:
  CountedStream(std::unique_ptr<Stream> inner, Counts& counts)
      : inner_(std::move(inner)), counts_(counts) {}
  void when_readable(Ready ready) override { inner_->when_readable(std::move(ready)); }
  void ignore_readable() override { inner_->ignore_readable(); }
  void when_writable(Ready ready) override { inner_->when_writable(std::move(ready)); }
  Result<ReadResult> read(std::span<char> into) override {
    Result<ReadResult> got = inner_->read(into);
    if (got && got->bytes > 0) ++counts_.reads;
    return got;
  }
  Result<std::size_t> write(std::span<const std::string_view> parts) override {
    ++counts_.writes;
    return inner_->write(parts);
  }
  void finish() override { inner_->finish(); }
  void close(bool reset) override { inner_->close(reset); }
  bool open() const override { return inner_->open(); }
  const Address& peer() const override { return inner_->peer(); }
  std::string_view alpn() const override { return inner_->alpn(); }
  Loop& loop() override { return inner_->loop(); }

 private:
  std::unique_ptr<Stream> inner_;
  Counts& counts_;
};

struct Rig {
  explicit Rig(bool tls = false, const GrpcServerOptions& options = {}) {
    routes.streaming("/test/Echo",
                     [this](GrpcCall& call) { return std::make_unique<Echo>(call, log); });
    server = std::make_unique<GrpcServer>(loop, routes, options);
    ListenOptions listen;
    ConnectOptions with;
    if (tls) {
      listen.tls = *TlsContext::server({.alpn = {"h2"}});
      with.tls = *TlsContext::client({.verify = false, .alpn = {"h2"}});
    }
    listener = *Listener::open(
        loop, *Address::parse("127.0.0.1", 0), std::move(listen),
        {{loop, [this](std::unique_ptr<Stream> accepted) {
            server->serve(std::make_unique<CountedStream>(std::move(accepted), counts));
          }}});
    connecting = connect(loop, listener->address(), std::move(with),
                         [this](auto made) { stream = *std::move(made); });
    EXPECT_TRUE(loop.run_until([&] { return stream != nullptr && server->connections() == 1; }));
  }

  // Sends what the client has to say, and listens until `done`.
  bool exchange(const std::function<bool()>& done) {
    return loop.run_until([&] {
      while (!ended && (send() || receive())) {
      }
      if (!ended) stream->when_readable([] {});
      if (!unsent.empty()) stream->when_writable([] {});
      return done();
    });
  }
  bool send() {
    unsent += client.output();
    const std::string_view part = unsent;
    const std::size_t taken = part.empty() ? 0 : stream->write(std::span(&part, 1)).value_or(0);
    unsent.erase(0, taken);
    return taken > 0;
  }
  bool receive() {
    const auto got = stream->read(loop.scratch());
    ended = !got || got->end;
    if (ended || got->bytes == 0) return false;
    client.feed({loop.scratch().data(), got->bytes});
    return true;
  }
  std::int32_t call(std::string_view body, bool end) {
    const std::int32_t id = client.post("/test/Echo");
    client.write(id, body, end);
    return id;
  }

  Loop loop;
  GrpcRoutes routes;
  Log log;
  Counts counts;
  std::unique_ptr<GrpcServer> server;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Connecting> connecting;
  std::unique_ptr<Stream> stream;
  Http2Client client;
  std::string unsent;
  bool ended = false;
};

TEST(GrpcServer, AnswersOverPlainTcpAndTls) {
  for (const bool tls : {false, true}) {
    Rig rig(tls);
    const std::string large = framed(std::string(500'000, 'x'));
    const std::int32_t id = rig.call(framed("hello") + large, true);
    ASSERT_TRUE(rig.exchange([&] { return rig.client.answer(id).closed.has_value(); }));
    EXPECT_EQ(rig.client.answer(id).body, framed("hello") + large);
    EXPECT_EQ(rig.client.answer(id).fields["grpc-status"], "0");
    EXPECT_EQ(rig.server->open_calls(), 0U);
  }
}

TEST(GrpcServer, SendsTheAnswersOfAPassInOneWrite) {
  Rig rig;
  const std::int32_t warm = rig.call(framed("a"), true);
  ASSERT_TRUE(rig.exchange([&] { return rig.client.answer(warm).closed.has_value(); }));
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(rig.call(framed("b"), false));
  rig.counts = {};
  ASSERT_TRUE(rig.exchange([&] { return !rig.client.answer(ids.back()).body.empty(); }));
  // The kernel may hand over in several pieces what was sent as one: each of them is a pass.
  EXPECT_LE(rig.counts.writes, rig.counts.reads);
  EXPECT_LT(rig.counts.writes, 5);

  // And so do messages that another callback writes, together.
  rig.counts = {};
  rig.loop.post([&] {
    for (GrpcCall* call : std::span(rig.log.calls).subspan(1)) call->write("later");
    EXPECT_EQ(rig.counts.writes, 0);
  });
  const std::string both = framed("b") + framed("later");
  ASSERT_TRUE(rig.exchange([&] { return rig.client.answer(ids.back()).body == both; }));
  EXPECT_EQ(rig.counts.writes, 1);
}

TEST(GrpcServer, CancelsCallsOfAPeerThatGoesAway) {
  Rig rig;
  rig.call(framed("a"), false);
  ASSERT_TRUE(rig.exchange([&] { return rig.log.received == 1; }));
  rig.stream->close(true);
  ASSERT_TRUE(rig.loop.run_until([&] { return rig.server->connections() == 0; }));
  EXPECT_EQ(rig.log.cancelled, 1);
}

TEST(GrpcServer, DrainsAfterTheOpenCalls) {
  Rig rig(false, {.linger = kShort});
  const std::int32_t id = rig.call(framed("a"), false);
  ASSERT_TRUE(rig.exchange([&] { return !rig.client.answer(id).body.empty(); }));
  bool drained = false;
  rig.server->drain([&] { drained = true; });
  ASSERT_TRUE(rig.exchange([&] { return rig.client.goaways() == 2; }));
  EXPECT_FALSE(drained);
  rig.client.write(id, framed("b"), true);
  ASSERT_TRUE(rig.exchange([&] { return drained; }));
  EXPECT_EQ(rig.client.answer(id).body, framed("a") + framed("b"));
  EXPECT_EQ(rig.server->connections(), 0U);
}

TEST(GrpcServer, DrainsAtOnceWhenNobodyIsThere) {
  Loop loop;
  const GrpcRoutes routes;
  GrpcServer server(loop, routes, {});
  bool drained = false;
  server.drain([&] { drained = true; });
  EXPECT_TRUE(loop.run_until([&] { return drained; }));
}

TEST(GrpcServer, ClosesAConnectionThatNeverSpeaks) {
  Rig rig(false, {.greeting_time = std::chrono::milliseconds(20)});
  ASSERT_TRUE(rig.loop.run_until([&] { return rig.server->connections() == 0; }));
}

TEST(GrpcServer, ClosesAConnectionThatReadsNothing) {
  Rig rig(false, {.write_pause = std::chrono::milliseconds(50)});
  // The client grants a window of 2^30 bytes and then reads none of it.
  nghttp2_session_set_local_window_size(rig.client.raw(), NGHTTP2_FLAG_NONE, 0, 1 << 30);
  const nghttp2_settings_entry window{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1U << 30U};
  nghttp2_submit_settings(rig.client.raw(), NGHTTP2_FLAG_NONE, &window, 1);
  const std::int32_t id = rig.call(framed("a"), false);
  ASSERT_TRUE(rig.exchange([&] { return !rig.client.answer(id).body.empty(); }));
  rig.stream->ignore_readable();
  rig.log.calls.front()->write(std::string(30'000'000, 'x'));
  ASSERT_TRUE(rig.loop.run_until([&] { return rig.server->connections() == 0; }));
  EXPECT_EQ(rig.log.cancelled, 1);
}

TEST(GrpcServer, TurnsAwayHttp1AndNoise) {
  for (const std::string_view noise : {"GET / HTTP/1.1\r\n\r\n", "noise, noise, noise, noise"}) {
    Rig rig(false, {.linger = kShort});
    ASSERT_TRUE(rig.stream->write(std::span(&noise, 1)).has_value());
    ASSERT_TRUE(rig.loop.run_until([&] { return rig.server->connections() == 0; }));
  }
}

// A frame that breaks the protocol, and behind it what the server does not read any more: a close
// with that in its hands would reset the connection, and the peer would not learn why.
TEST(GrpcServer, SaysGoodbyeBeforeItCloses) {
  Rig rig;
  ASSERT_TRUE(
      rig.exchange([&] { return rig.client.setting(NGHTTP2_SETTINGS_MAX_FRAME_SIZE) > 0; }));
  const std::string broken = std::string("\0\0\1\6\0\0\0\0\0x", 10) + std::string(200'000, 'y');
  rig.unsent = broken;
  ASSERT_TRUE(rig.exchange([&] { return rig.ended; }));
  EXPECT_EQ(rig.client.goaway_code(), NGHTTP2_FRAME_SIZE_ERROR);
  EXPECT_EQ(rig.server->connections(), 1U);  // until the peer closes too
  rig.stream->close();
  ASSERT_TRUE(rig.loop.run_until([&] { return rig.server->connections() == 0; }));
}

}  // namespace
}  // namespace pointsman
