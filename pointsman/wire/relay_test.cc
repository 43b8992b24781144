// Server and client together, as a reverse proxy uses them.
#include "pointsman/wire/testing/relay.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/testing/allocations.h"
#include "pointsman/wire/listener.h"

namespace pointsman {
namespace {

using std::chrono::milliseconds;
using testing::Relay;

std::unique_ptr<Listener> listen(Loop& loop, std::function<void(std::unique_ptr<Stream>)> take,
                                 std::shared_ptr<TlsContext> tls = nullptr) {
  return *Listener::open(loop, *Address::parse("127.0.0.1:0"), {.tls = std::move(tls)},
                         {{loop, std::move(take)}});
}

struct Sink final : HttpSink {
  void on_head(const ResponseHead& head) override { status = head.status; }
  void on_body(std::string_view bytes) override {
    size += bytes.size();
    if (keep) body += bytes;
    if (at_body) at_body();
  }
  void on_end() override { ended = true; }
  void on_failure(HttpFailure) override { failed = true; }

  int status = 0;
  std::string body;
  std::size_t size = 0;
  bool keep = true;
  bool ended = false;
  bool failed = false;
  std::function<void()> at_body;
};

// A client, a relay and an upstream server on one loop. Upstream exchanges wait in `arrived`.
struct Route {
  explicit Route(std::shared_ptr<TlsContext> upstream_tls = nullptr,
                 std::shared_ptr<TlsContext> client_tls = nullptr)
      : upstream(loop, {},
                 [this](std::unique_ptr<HttpExchange> e) { arrived.push_back(std::move(e)); }),
        back(listen(
            loop, [this](auto s) { upstream.serve(std::move(s)); }, std::move(upstream_tls))),
        relay(loop, {.address = back->address(), .tls = std::move(client_tls)}),
        front(listen(loop, [this](auto s) { relay.serve(std::move(s)); })),
        client(loop, {}) {}

  void request(std::string_view body = {}) {
    const RequestHead head{.method = body.empty() ? "GET" : "POST", .target = "/x"};
    client.start(call, {.address = front->address()}, head, std::span(&body, 1), sink);
  }
  HttpExchange& at_upstream() {
    EXPECT_TRUE(loop.run_until([&] { return !arrived.empty(); }));
    exchange = std::move(arrived.back());
    arrived.pop_back();
    return *exchange;
  }
  // Runs until `bytes` of body have reached the client.
  void until(std::size_t bytes) {
    EXPECT_TRUE(loop.run_until([&] { return sink.size >= bytes; }));
  }

  Loop loop;
  std::vector<std::unique_ptr<HttpExchange>> arrived;
  std::unique_ptr<HttpExchange> exchange;
  HttpServer upstream;
  std::unique_ptr<Listener> back;
  Relay relay;
  std::unique_ptr<Listener> front;
  Sink sink;
  HttpClient client;
  HttpCall call;
};

TEST(Relay, PassesChunksOnAsTheyCome) {
  Route route;
  route.request("question");
  HttpExchange& upstream = route.at_upstream();
  BodyBuffer body;
  std::string question;
  upstream.gather_body(body, [&](auto whole) { question = whole.value(); });
  EXPECT_TRUE(route.loop.run_until([&] { return !question.empty(); }));
  EXPECT_EQ(question, "question");
  upstream.start({});
  for (int i = 1; i <= 5; ++i) {
    upstream.write("data: x\n\n");
    route.until(static_cast<std::size_t>(i) * 9);
  }
  upstream.finish();
  EXPECT_TRUE(route.loop.run_until([&] { return route.sink.ended; }));
  EXPECT_EQ(route.sink.size, 45U);
  EXPECT_EQ(route.relay.trips(), 0U);
}

TEST(Relay, MakesNoAllocationPerChunk) {
  Route route;
  route.sink.keep = false;
  route.request();
  HttpExchange& upstream = route.at_upstream();
  upstream.start({});
  const std::string chunk(200, 'x');
  std::size_t sent = 0;
  const auto pass = [&] {
    upstream.write(chunk);
    sent += chunk.size();
    route.until(sent);
  };
  for (int i = 0; i < 10; ++i) pass();  // buffers find their size
  const auto before = testing::allocations();
  ASSERT_GT(before, 0U) << "nothing is counted";
  for (int i = 0; i < 100; ++i) pass();
  EXPECT_EQ(testing::allocations() - before, 0U);
}

TEST(Relay, BoundsItsMemoryWhenTheClientReadsSlowly) {
  Route route;
  route.sink.keep = false;
  route.sink.at_body = [&] { route.call.pause(); };
  route.request();
  HttpExchange& upstream = route.at_upstream();
  upstream.start({});
  const std::string piece(100'000, 'x');
  std::size_t written = 0;
  std::function<void()> more = [&] {
    while (written < 40'000'000) {
      written += piece.size();
      if (upstream.write(piece)) continue;
      upstream.when_writable(more);
      return;
    }
    upstream.finish();
  };
  more();
  route.loop.run_until([&] { return false; }, milliseconds(100));
  EXPECT_LT(written, 40'000'000U) << "the pressure reaches the source";
  route.sink.at_body = nullptr;
  route.call.resume();
  EXPECT_TRUE(route.loop.run_until([&] { return route.sink.ended; }));
  EXPECT_EQ(route.sink.size, 40'000'000U);
  EXPECT_LE(route.relay.most_unsent(), 256U * 1024 + 65U * 1024);
}

TEST(Relay, CancelsUpstreamWhenTheClientLeaves) {
  Route route;
  route.request();
  bool gone = false;
  route.at_upstream().when_gone([&] { gone = true; });
  route.call.cancel();
  EXPECT_TRUE(route.loop.run_until([&] { return gone; })) << "before the answer began";

  route.request();
  HttpExchange& upstream = route.at_upstream();
  gone = false;
  upstream.when_gone([&] { gone = true; });
  upstream.start({});
  upstream.write("half");
  route.until(4);
  route.call.cancel();
  EXPECT_TRUE(route.loop.run_until([&] { return gone; })) << "in the middle of it";
  EXPECT_EQ(route.relay.trips(), 0U);
}

TEST(Relay, LetsTheClientSeeThatTheAnswerBrokeOff) {
  Route route;
  route.request();
  HttpExchange& upstream = route.at_upstream();
  upstream.start({});
  upstream.write("half");
  route.until(4);
  upstream.abort();
  EXPECT_TRUE(route.loop.run_until([&] { return route.sink.failed; }));
  EXPECT_FALSE(route.sink.ended);

  Route refused;
  refused.back.reset();
  refused.request();
  EXPECT_TRUE(refused.loop.run_until([&] { return refused.sink.ended; }));
  EXPECT_EQ(refused.sink.status, 502);
}

TEST(Relay, SpeaksTlsToItsUpstream) {
  Route route(*TlsContext::server({}), *TlsContext::client({.verify = false}));
  route.request();
  route.at_upstream().respond(200, "secured");
  EXPECT_TRUE(route.loop.run_until([&] { return route.sink.ended; }));
  EXPECT_EQ(route.sink.body, "secured\n");
}

TEST(HttpClient, MakesNoAllocationPerCall) {
  Loop loop;
  const std::string page(55'000, 'x');
  HttpServer server(loop, {}, [&](std::unique_ptr<HttpExchange> exchange) {
    exchange->respond(ResponseHead(), page);
  });
  const auto listener = listen(loop, [&](auto s) { server.serve(std::move(s)); });
  HttpClient client(loop, {.total = std::chrono::seconds(1)});
  const HttpTarget target{.address = listener->address()};
  const RequestHead head{.target = "/metrics"};
  Sink sink;
  sink.keep = false;
  HttpCall call;
  // The server's part allocates; it is measured alone and taken off.
  const auto scrape = [&] {
    sink.ended = false;
    std::uint64_t mine = testing::allocations();
    client.start(call, target, head, {}, sink);
    mine = testing::allocations() - mine;
    EXPECT_TRUE(loop.run_until([&] { return sink.ended; }));
    return mine;
  };
  for (int i = 0; i < 10; ++i) scrape();
  std::uint64_t starting = 0;
  for (int i = 0; i < 50; ++i) starting += scrape();
  EXPECT_EQ(starting, 0U);
}

}  // namespace
}  // namespace pointsman
