// Trailers in both directions, in every version of HTTP, between a client and a server of ours and
// byte for byte.

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "pointsman/wire/http1.h"
#include "pointsman/wire/http_client.h"
#include "pointsman/wire/http_server.h"
#include "pointsman/wire/testing/http2_client_rig.h"

namespace pointsman {
namespace {

using testing::ClientRig;
using testing::Http2ClientRig;
using testing::Sink;

// Answers with the request's body and trailers.
struct Echo {
  explicit Echo(Loop& loop)
      : server(loop, options(),
               [this](std::unique_ptr<HttpExchange> taken) {
                 exchange = std::move(taken);
                 exchange->gather_body(body, [this](const Result<std::string_view>& whole) {
                   if (!whole) {
                     error = whole.error().message;
                     return exchange.reset();
                   }
                   exchange->start({});
                   exchange->write(*whole);
                   exchange->finish(exchange->trailers());
                 });
               }),
        listener(*Listener::open(loop, *Address::parse("127.0.0.1:0"), {},
                                 {{loop, [this](auto s) { server.serve(std::move(s)); }}})) {}

  static HttpServerOptions options() {
    HttpServerOptions all;
    all.http2 = true;
    return all;
  }

  BodyBuffer body;
  std::unique_ptr<HttpExchange> exchange;
  std::string error;
  HttpServer server;
  std::unique_ptr<Listener> listener;
};

class Trailers : public ::testing::TestWithParam<bool> {};  // in HTTP/2?
INSTANTIATE_TEST_SUITE_P(Versions, Trailers, ::testing::Bool());

TEST_P(Trailers, PassInBothDirections) {
  for (const std::string body : {"", "hello"}) {
    Loop loop;
    const Echo echo(loop);
    HttpClient client(loop, {});
    HttpFields trailers;
    trailers.add("X-Checksum", "abc");
    trailers.add("x-more", "1, 2");
    trailers.add("Cookie", "17");
    trailers.add("Authorization", "Bearer x");
    Sink sink;
    HttpCall call;
    const std::string_view part = body;
    client.start(call, {.address = echo.listener->address(), .http2 = GetParam()},
                 {.method = "POST"}, std::span(&part, body.empty() ? 0 : 1), sink, &trailers);
    EXPECT_TRUE(loop.run_until([&] { return sink.over(); }));
    EXPECT_EQ(sink.body, body);
    EXPECT_EQ(sink.ends, 1);
    EXPECT_EQ(sink.trailers.size(), 2U);
    EXPECT_EQ(sink.trailers.find("x-checksum"), "abc");
    EXPECT_EQ(sink.trailers.find("X-More"), "1, 2");
  }
}

TEST_P(Trailers, ThereAreNoneWhereNoneWereSent) {
  Loop loop;
  const Echo echo(loop);
  HttpClient client(loop, {});
  const HttpFields none;
  Sink sink;
  HttpCall call;
  client.start(call, {.address = echo.listener->address(), .http2 = GetParam()}, {}, {}, sink,
               &none);
  EXPECT_TRUE(loop.run_until([&] { return sink.over(); }));
  EXPECT_TRUE(sink.trailers.empty());
  EXPECT_FALSE(echo.exchange->head().fields.contains("transfer-encoding"));
}

TEST(TrailersOfHttp1, AreSentBehindOneChunkAndReadBehindTheLast) {
  ClientRig f;
  HttpFields trailers;
  trailers.add("X-A", "1");
  trailers.add("X-B", "2");
  const std::array<std::string_view, 2> body{"hello, ", "world"};
  f.client.start(f.call, f.peer.target(), {.method = "POST"}, body, f.sink, &trailers);
  EXPECT_TRUE(f.loop.run_until([&] { return f.peer.heard.ends_with("X-B: 2\r\n\r\n"); }));
  EXPECT_TRUE(f.peer.heard.ends_with(
      "\r\nTransfer-Encoding: chunked\r\nTrailer: X-A, X-B\r\n\r\nc\r\nhello, world\r\n0\r\n"
      "X-A: 1\r\nX-B: 2\r\n\r\n"))
      << f.peer.heard;
  f.peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-C: 3\r\n");
  f.peer.say("Set-Cookie: a\r\n\r\n");
  f.finish();
  EXPECT_EQ(f.sink.trailers.find("x-c"), "3");
  EXPECT_EQ(f.sink.trailers.size(), 1U);
  EXPECT_EQ(f.client.kept(), 1U);
}

TEST(TrailersOfHttp1, ThatAreMalformedAreRefused) {
  for (const std::string bad : {"no colon\r\n", "X A: 1\r\n", ": 1\r\n", " folded: 1\r\n"}) {
    ClientRig f;
    f.get();
    f.peer.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + bad + "\r\n");
    f.finish();
    EXPECT_TRUE(f.sink.failed) << bad;
  }
}

TEST(TrailersOfHttp1, AreBounded) {
  ChunkDecoder large;
  const std::string text = "0\r\nX-A: " + std::string(9000, 'a') + "\r\n\r\n";
  std::string_view rest = text;
  EXPECT_FALSE(large.take(rest).has_value());
  ChunkDecoder many;
  std::string lines = "0\r\n";
  for (int i = 0; i < 100; ++i) lines += "a: b\r\n";
  lines += "\r\n";
  rest = lines;
  ASSERT_TRUE(many.take(rest).has_value());
  HttpFields out;
  EXPECT_FALSE(many.trailers(out).has_value());
}

TEST(TrailersOfHttp1, OfAnAnswerWithALengthAreLeftOut) {
  Loop loop;
  HttpServer server(loop, {}, [](std::unique_ptr<HttpExchange> exchange) {
    ResponseHead head;
    head.fields.add("Content-Length", "1");
    HttpFields trailers;
    trailers.add("X-A", "1");
    exchange->start(head);
    exchange->write("x");
    exchange->finish(trailers);
  });
  const auto listener =
      *Listener::open(loop, *Address::parse("127.0.0.1:0"), {},
                      {{loop, [&](auto stream) { server.serve(std::move(stream)); }}});
  HttpClient client(loop, {});
  Sink sink;
  HttpCall call;
  client.start(call, {.address = listener->address()}, {}, {}, sink);
  EXPECT_TRUE(loop.run_until([&] { return sink.over(); }));
  EXPECT_EQ(sink.body, "x");
  EXPECT_TRUE(sink.trailers.empty());
  EXPECT_EQ(client.kept(), 1U);
}

TEST(TrailersOfHttp2, WaitForACallThatPauses) {
  Http2ClientRig f;
  auto& one = f.call();
  one.sink.at_head = [&] { one.call.pause(); };
  auto& request = f.peer.request();
  request.trailers = {{"grpc-status", "0"}, {"vary", "x"}};
  f.peer.answer(request, "x");
  EXPECT_TRUE(f.until([&] { return request.closed >= 0 && one.sink.status == 200; }));
  EXPECT_TRUE(one.sink.trailers.empty());
  one.call.resume();
  f.finish(one);
  EXPECT_EQ(one.sink.body, "x");
  EXPECT_EQ(one.sink.trailers.find("grpc-status"), "0");
  EXPECT_EQ(one.sink.trailers.size(), 1U);
}

TEST(TrailersOfHttp2, AreNotSentWhenTheAnswerIsThereFirst) {
  Http2ClientRig f;
  auto trailers = std::make_unique<HttpFields>();
  trailers->add("x-a", "1");
  const std::string large(4'000'000, 'x');
  const std::string_view part = large;
  Sink sink;
  HttpCall call;
  f.client->start(call, f.peer.target(), {.method = "POST"}, std::span(&part, 1), sink,
                  trailers.get());
  EXPECT_TRUE(f.until([&] { return !f.peer.requests.empty(); }));
  f.peer.answer(f.peer.requests[0], "no", "413");
  EXPECT_TRUE(f.until([&] { return sink.over(); }));
  trailers.reset();
  EXPECT_TRUE(f.until([&] { return f.peer.requests[0].closed >= 0; }));
  EXPECT_FALSE(f.peer.requests[0].fields.contains("x-a"));
}

}  // namespace
}  // namespace pointsman
