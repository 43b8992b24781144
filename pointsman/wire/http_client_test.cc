#include "pointsman/wire/http_client.h"

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/wire/http_server.h"
#include "pointsman/wire/listener.h"
#include "pointsman/wire/testing/http_peer.h"

namespace pointsman {
namespace {

using std::chrono::milliseconds;
using testing::ClientRig;
using testing::Peer;
using testing::Sink;
using ExchangePtr = std::unique_ptr<HttpExchange>;

TEST(HttpClient, SendsHeadAndBodyAndReadsTheAnswer) {
  ClientRig f;
  RequestHead head{.method = "POST", .target = "/v1/chat?x=1"};
  head.fields.add("X-Own", "1");
  head.fields.add("Content-Length", "999");
  const std::array<std::string_view, 2> body{"{\"a\":", "1}"};
  f.client.start(f.call, f.peer.target(), head, body, f.sink);
  EXPECT_TRUE(f.call.active());
  f.peer.answer("HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello", "{\"a\":1}");
  f.finish();
  EXPECT_EQ(f.peer.last, "POST /v1/chat?x=1 HTTP/1.1\r\nHost: " + f.peer.target().address.text() +
                             "\r\nX-Own: 1\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
  EXPECT_EQ(f.sink.status, 201);
  EXPECT_EQ(f.sink.fields.find("x-a"), "b");
  EXPECT_EQ(f.sink.body, "hello");
  EXPECT_EQ(f.sink.ends, 1);
  EXPECT_FALSE(f.call.active());
  EXPECT_EQ(f.client.kept(), 1U);
}

TEST(HttpClient, UsesAConnectionAgain) {
  ClientRig f;
  for (int i = 0; i < 5; ++i) {
    f.get();
    f.peer.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    f.finish();
    EXPECT_EQ(f.sink.body, "ok");
  }
  EXPECT_EQ(f.peer.accepted, 1);
  EXPECT_EQ(f.client.connected(), 1U);
}

TEST(HttpClient, MayStartTheNextCallWhenOneEnds) {
  ClientRig f;
  int rounds = 0;
  f.get();
  f.sink.at_end = [&] {
    if (++rounds < 3) f.client.start(f.call, f.peer.target(), {}, {}, f.sink);
  };
  for (int i = 0; i < 3; ++i) f.peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_TRUE(f.loop.run_until([&] { return rounds == 3; }));
  EXPECT_EQ(f.sink.body, "xxx");
  EXPECT_EQ(f.peer.accepted, 1);
}

TEST(HttpClient, ReadsEveryFraming) {
  ClientRig f;
  f.get();
  f.peer.answer(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 204 No "
      "Content\r\n\r\n");
  f.finish();
  EXPECT_EQ(f.sink.status, 204);
  f.client.start(f.call, f.peer.target(), {.method = "HEAD"}, {}, f.sink = Sink());
  f.peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  f.finish();
  EXPECT_EQ(f.sink.body, "");
  EXPECT_EQ(f.client.kept(), 1U);
  f.get();
  f.peer.answer("HTTP/1.1 200 OK\r\n\r\nuntil the ");
  EXPECT_TRUE(f.loop.run_until([&] { return f.sink.body == "until the "; }));
  f.peer.say("end");
  f.peer.streams.back()->close();
  f.finish();
  EXPECT_EQ(f.sink.body, "until the end");
  EXPECT_EQ(f.sink.ends, 1);
  EXPECT_EQ(f.client.kept(), 0U);
}

TEST(HttpClient, DoesNotKeepAConnectionThatIsNotToBeKept) {
  for (const auto* answer : {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                             "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 surplus"}) {
    ClientRig f;
    f.get();
    f.peer.answer(answer);
    f.finish();
    EXPECT_EQ(f.sink.ends, 1);
    EXPECT_EQ(f.client.kept(), 0U);
  }
}

TEST(HttpClient, DropsAKeptConnectionThatThePeerCloses) {
  ClientRig f;
  f.get();
  f.peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  f.finish();
  EXPECT_EQ(f.client.kept(), 1U);
  f.peer.streams.back()->close();
  EXPECT_TRUE(f.loop.run_until([&] { return f.client.kept() == 0; }));
  f.get();
  f.peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  f.finish();
  EXPECT_EQ(f.sink.ends, 1);
}

TEST(HttpClient, DropsAKeptConnectionAfterAWhile) {
  ClientRig f({.keep = milliseconds(10)});
  f.get();
  f.peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  f.finish();
  EXPECT_TRUE(f.loop.run_until([&] { return f.client.kept() == 0; }));
  EXPECT_FALSE(f.sink.failed);
}

// -- Failures: what may be tried again.

using Why = HttpFailure::Phase;

TEST(HttpClient, TellsThatNothingWasSent) {
  Loop loop;
  HttpTarget target;
  {
    const Peer peer(loop);
    target = peer.target();
  }
  testing::expect_refused(loop, target);
}

TEST(HttpClient, TellsThatAKeptConnectionWasStale) {
  ClientRig f;
  f.get();
  f.peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  f.finish();
  f.get();  // sent before the close is seen
  f.peer.streams.back()->close(true);
  f.finish();
  EXPECT_TRUE(f.sink.failed);
  EXPECT_EQ(f.sink.failure.phase, Why::stale);
}

TEST(HttpClient, TellsThatNoAnswerCame) {
  ClientRig f;
  f.get();
  f.peer.answer("");
  f.peer.streams.back()->close();
  f.finish();
  EXPECT_EQ(f.sink.failure.phase, Why::waiting);
  EXPECT_EQ(f.sink.failure.error.code, Code::io);
}

TEST(HttpClient, TellsThatAnAnswerBrokeOff) {
  for (const auto* begin :
       {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "HTTP/1.1 200 O"}) {
    ClientRig f;
    f.get();
    f.peer.answer(begin);
    f.peer.streams.back()->close();
    f.finish();
    EXPECT_TRUE(f.sink.failed) << begin;
    EXPECT_EQ(f.sink.failure.phase, Why::answering);
    EXPECT_EQ(f.client.kept(), 0U);
  }
}

TEST(HttpClient, RefusesMalformedAnswers) {
  for (const std::string& text :
       std::vector<std::string>{"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 200 OK\nA: b\n\n",
                                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
                                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnope\r\n",
                                "HTTP/1.1 101 Switching\r\n\r\n"}) {
    ClientRig f;
    f.get();
    f.peer.answer(text);
    f.finish();
    EXPECT_EQ(f.sink.failure.phase, Why::answering) << text;
    EXPECT_EQ(f.sink.failure.error.code, Code::bad_gateway) << text;
  }
  ClientRig f;
  f.get();
  f.peer.answer("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x'));
  f.finish();
  EXPECT_EQ(f.sink.failure.error.code, Code::too_large);
}

TEST(HttpClient, KeepsItsTimeLimits) {
  {
    ClientRig f({.first_byte = milliseconds(20)});
    f.get();
    f.finish();
    EXPECT_EQ(f.sink.failure.phase, Why::waiting);
    EXPECT_EQ(f.sink.failure.error.code, Code::timeout);
  }
  {
    ClientRig f({.body_pause = milliseconds(20)});
    f.get();
    f.peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    f.finish();
    EXPECT_EQ(f.sink.failure.phase, Why::answering);
    EXPECT_EQ(f.sink.failure.error.code, Code::timeout);
  }
  {
    ClientRig f({.total = milliseconds(40)});
    f.get();
    f.peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n");
    Timer drip(f.loop, [&] {
      f.peer.say("x");
      drip.arm(milliseconds(3));
    });
    drip.arm(milliseconds(3));
    f.finish();
    EXPECT_EQ(f.sink.failure.error.code, Code::timeout);
    EXPECT_GT(f.sink.body.size(), 0U);
  }
}

TEST(HttpClient, TakesAnAnswerThatComesBeforeTheRequestIsSent) {
  ClientRig f;
  const std::string big(20'000'000, 'x');
  const std::string_view body = big;
  f.client.start(f.call, f.peer.target(), {.method = "POST"}, std::span(&body, 1), f.sink);
  EXPECT_TRUE(f.loop.run_until([&] { return f.peer.accepted == 1; }));
  f.peer.streams.back()->ignore_readable();
  f.peer.say("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
  f.finish();
  EXPECT_EQ(f.sink.status, 413);
  EXPECT_EQ(f.sink.ends, 1);
  EXPECT_EQ(f.client.kept(), 0U);
}

TEST(HttpClient, SendsALargeBodyAsThePeerTakesIt) {
  ClientRig f;
  const std::string big(20'000'000, 'x');
  const std::string_view body = big;
  f.client.start(f.call, f.peer.target(), {.method = "POST"}, std::span(&body, 1), f.sink);
  EXPECT_TRUE(f.loop.run_until([&] { return f.peer.heard.size() > big.size(); }));
  f.peer.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  f.finish();
  EXPECT_EQ(f.sink.ends, 1);
  EXPECT_EQ(f.client.kept(), 1U);
}

TEST(HttpClient, CancelsFromAnywhere) {
  {
    ClientRig f;
    f.get();
    f.call.cancel();
    EXPECT_FALSE(f.call.active());
    EXPECT_FALSE(f.loop.run_until([&] { return f.sink.over(); }, milliseconds(5)));
  }
  for (int where = 0; where < 2; ++where) {
    ClientRig f;
    f.get();
    (where == 0 ? f.sink.at_head : f.sink.at_body) = [&] { f.call.cancel(); };
    f.peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_TRUE(f.loop.run_until([&] { return f.sink.status == 200 && !f.call.active(); }));
    EXPECT_EQ(f.sink.body, where == 0 ? "" : "hello");
    EXPECT_FALSE(f.loop.run_until([&] { return f.sink.over(); }, milliseconds(5)));
    bool closed = false;
    f.peer.streams.back()->when_readable([&] { closed = true; });
    EXPECT_TRUE(f.loop.run_until([&] { return closed; })) << "the peer learns of it";
  }
}

TEST(HttpClient, MayBeDestroyedByASink) {
  Loop loop;
  Peer peer(loop);
  auto client = std::make_unique<HttpClient>(loop, HttpClientOptions{});
  Sink sink;
  HttpCall call;
  sink.at_body = [&] { client.reset(); };
  client->start(call, peer.target(), {}, {}, sink);
  peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(loop.run_until([&] { return client == nullptr; }));
  EXPECT_FALSE(call.active());
  EXPECT_FALSE(sink.over());
}

TEST(HttpClient, HoldsThePeerBackWhilePaused) {
  ClientRig f;
  f.get();
  f.sink.at_body = [&] { f.call.pause(); };
  f.peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n");
  const std::string big(20'000'000, 'x');
  std::string_view rest = big;
  std::function<void()> more = [&] {
    rest.remove_prefix(f.peer.streams.back()->write(std::span(&rest, 1)).value_or(0));
    if (!rest.empty()) f.peer.streams.back()->when_writable(more);
  };
  more();
  f.loop.run_until([&] { return false; }, milliseconds(50));
  EXPECT_FALSE(rest.empty());
  EXPECT_LE(f.sink.body.size(), 64U * 1024);
  EXPECT_TRUE(f.loop.run_until([&] {
    f.call.resume();
    return f.sink.over();
  }));
  EXPECT_EQ(f.sink.body, big);
}

TEST(HttpClient, EndsOnlyAfterAPauseIsOver) {
  ClientRig f;
  f.get();
  f.sink.at_body = [&] { f.call.pause(); };
  f.peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(f.loop.run_until([&] { return f.sink.body == "hello"; }));
  EXPECT_FALSE(f.loop.run_until([&] { return f.sink.over(); }, milliseconds(5)));
  f.call.resume();
  f.finish();
  EXPECT_EQ(f.sink.ends, 1);
}

TEST(HttpClient, HasNoMoreToDoWithAConnectionItHandsOver) {
  struct Taker final : HttpSink {
    void on_head(const ResponseHead& /*head*/) override {}
    void on_body(std::string_view /*bytes*/) override {}
    void on_end() override {}
    void on_failure(HttpFailure /*failure*/) override {}
    void on_upgrade(const ResponseHead& /*head*/, std::unique_ptr<Stream> given,
                    std::string_view rest) override {
      stream = std::move(given);
      first = rest;
    }
    std::unique_ptr<Stream> stream;
    std::string first;
  };
  Loop loop;
  Peer peer(loop);
  HttpClient client(loop, {});
  Taker taker;
  HttpCall call;
  RequestHead head;
  head.fields.add("Upgrade", "other");
  const std::string big(20'000'000, 'x');
  const std::string_view body = big;
  client.start(call, peer.target(), head, std::span(&body, 1), taker);
  EXPECT_TRUE(loop.run_until([&] { return peer.heard.contains("\r\n\r\n"); }));
  peer.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\n\r\nrest");
  EXPECT_TRUE(loop.run_until([&] { return taker.stream != nullptr; }));
  EXPECT_EQ(taker.first, "rest");
  EXPECT_FALSE(call.active());
  // The peer takes what was sent; the rest of the request is not sent after it.
  std::size_t heard = 0;
  while (std::exchange(heard, peer.heard.size()) < peer.heard.size()) {
    loop.run_until([&] { return false; }, milliseconds(20));
  }
  EXPECT_LT(peer.heard.size(), big.size());
}

TEST(HttpClient, SpeaksTls) {
  Loop loop;
  Peer peer(loop, *TlsContext::server({}));
  HttpClient client(loop, {});
  HttpTarget target = peer.target();
  target.host = "localhost:1";
  target.tls = *TlsContext::client({.verify = false});
  for (int i = 0; i < 2; ++i) {
    Sink sink;
    HttpCall call;
    const std::string big(300'000, 'x');
    const std::string_view body = big;
    client.start(call, target, {.method = "POST"}, std::span(&body, 1), sink);
    EXPECT_TRUE(loop.run_until([&] { return peer.heard.size() > big.size(); }));
    EXPECT_NE(peer.heard.find("Host: localhost:1\r\n"), std::string::npos);
    peer.heard.clear();
    peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_TRUE(loop.run_until([&] { return sink.over(); }));
    EXPECT_EQ(sink.body, "ok");
  }
  EXPECT_EQ(client.connected(), 1U);
}

}  // namespace
}  // namespace pointsman
