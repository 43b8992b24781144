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

namespace pointsman {
namespace {

using std::chrono::milliseconds;
using ExchangePtr = std::unique_ptr<HttpExchange>;

// Writes down everything a sink is told.
struct Sink final : HttpSink {
  void on_head(const ResponseHead& head) override {
    status = head.status;
    fields = head.fields;
    if (at_head) at_head();
  }
  void on_body(std::string_view bytes) override {
    body += bytes;
    if (at_body) at_body();
  }
  void on_end() override {
    ++ends;
    if (at_end) at_end();
  }
  void on_failure(HttpFailure why) override {
    failure = std::move(why);
    failed = true;
  }
  bool over() const { return ends > 0 || failed; }

  int status = 0;
  HttpFields fields;
  std::string body;
  int ends = 0;
  bool failed = false;
  HttpFailure failure;
  std::function<void()> at_head;
  std::function<void()> at_body;
  std::function<void()> at_end;
};

// A peer that is no HTTP server of ours: says what it is told to, byte for byte.
struct Peer {
  explicit Peer(Loop& on, std::shared_ptr<TlsContext> tls = nullptr) : loop(on) {
    listener = *Listener::open(loop, *Address::parse("127.0.0.1:0"), {.tls = std::move(tls)},
                               {{loop, [this](auto stream) {
                                   ++accepted;
                                   streams.push_back(std::move(stream));
                                   listen(*streams.back());
                                 }}});
  }

  void listen(Stream& stream) {
    stream.when_readable([this, &stream] {
      const auto got = stream.read(loop.scratch());
      if (!got || got->end) return;
      heard.append(loop.scratch().data(), got->bytes);
      listen(stream);
    });
  }

  // Waits for a whole request head (and `body`), and answers on the newest connection.
  void answer(const std::string& text, const std::string& body = {}) {
    EXPECT_TRUE(loop.run_until([&] { return heard.ends_with("\r\n\r\n" + body); })) << heard;
    last = std::exchange(heard, {});
    say(text);
  }
  void say(std::string_view text) {
    EXPECT_EQ(streams.back()->write(std::span(&text, 1)).value_or(0), text.size());
  }

  HttpTarget target() const { return {.address = listener->address()}; }

  Loop& loop;
  std::unique_ptr<Listener> listener;
  std::vector<std::unique_ptr<Stream>> streams;
  int accepted = 0;
  std::string heard;
  std::string last;
};

struct Fixture {
  explicit Fixture(HttpClientOptions options = {}) : peer(loop), client(loop, options) {}

  void get(const std::string& path = "/") {
    sink = Sink();
    client.start(call, peer.target(), {.target = path}, {}, sink);
  }
  void finish() {
    EXPECT_TRUE(loop.run_until([&] { return sink.over(); }));
  }

  Loop loop;
  Peer peer;
  HttpClient client;
  Sink sink;
  HttpCall call;
};

TEST(HttpClient, SendsHeadAndBodyAndReadsTheAnswer) {
  Fixture f;
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
  Fixture f;
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
  Fixture f;
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
  Fixture f;
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
    Fixture f;
    f.get();
    f.peer.answer(answer);
    f.finish();
    EXPECT_EQ(f.sink.ends, 1);
    EXPECT_EQ(f.client.kept(), 0U);
  }
}

TEST(HttpClient, DropsAKeptConnectionThatThePeerCloses) {
  Fixture f;
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
  Fixture f({.keep = milliseconds(10)});
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
  HttpClient client(loop, {});
  Sink sink;
  HttpCall call;
  client.start(call, target, {}, {}, sink);
  EXPECT_FALSE(sink.failed) << "not before start() returns";
  EXPECT_TRUE(loop.run_until([&] { return sink.failed; }));
  EXPECT_EQ(sink.failure.phase, Why::connecting);
  EXPECT_EQ(sink.failure.error.message,
            "cannot connect to " + target.address.text() + ": Connection refused");
  EXPECT_FALSE(call.active());
}

TEST(HttpClient, TellsThatAKeptConnectionWasStale) {
  Fixture f;
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
  Fixture f;
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
    Fixture f;
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
    Fixture f;
    f.get();
    f.peer.answer(text);
    f.finish();
    EXPECT_EQ(f.sink.failure.phase, Why::answering) << text;
    EXPECT_EQ(f.sink.failure.error.code, Code::bad_gateway) << text;
  }
  Fixture f;
  f.get();
  f.peer.answer("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x'));
  f.finish();
  EXPECT_EQ(f.sink.failure.error.code, Code::too_large);
}

TEST(HttpClient, KeepsItsTimeLimits) {
  {
    Fixture f({.first_byte = milliseconds(20)});
    f.get();
    f.finish();
    EXPECT_EQ(f.sink.failure.phase, Why::waiting);
    EXPECT_EQ(f.sink.failure.error.code, Code::timeout);
  }
  {
    Fixture f({.body_pause = milliseconds(20)});
    f.get();
    f.peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    f.finish();
    EXPECT_EQ(f.sink.failure.phase, Why::answering);
    EXPECT_EQ(f.sink.failure.error.code, Code::timeout);
  }
  {
    Fixture f({.total = milliseconds(40)});
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
  Fixture f;
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
  Fixture f;
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
    Fixture f;
    f.get();
    f.call.cancel();
    EXPECT_FALSE(f.call.active());
    EXPECT_FALSE(f.loop.run_until([&] { return f.sink.over(); }, milliseconds(5)));
  }
  for (int where = 0; where < 2; ++where) {
    Fixture f;
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
  Fixture f;
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
  Fixture f;
  f.get();
  f.sink.at_body = [&] { f.call.pause(); };
  f.peer.answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(f.loop.run_until([&] { return f.sink.body == "hello"; }));
  EXPECT_FALSE(f.loop.run_until([&] { return f.sink.over(); }, milliseconds(5)));
  f.call.resume();
  f.finish();
  EXPECT_EQ(f.sink.ends, 1);
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

// -- fetch()

// A server on a thread of its own, since fetch() blocks.
struct Elsewhere {
  explicit Elsewhere(std::shared_ptr<TlsContext> tls = nullptr) {
    workers.run_on(0, [&](Loop& loop) {
      server = std::make_unique<HttpServer>(loop, HttpServerOptions{}, [](ExchangePtr exchange) {
        exchange->respond(exchange->head().path() == "/nope" ? 404 : 200,
                          exchange->head().method + " " + exchange->head().target);
      });
      listener = *Listener::open(loop, *Address::parse("127.0.0.1:0"), {.tls = std::move(tls)},
                                 {{loop, [this](auto s) { server->serve(std::move(s)); }}});
    });
  }
  ~Elsewhere() {
    workers.run_on(0, [&](Loop&) {
      listener.reset();
      server.reset();
    });
  }
  std::string at(const std::string& path) const { return listener->address().text() + path; }

  Workers workers{1};
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<Listener> listener;
};

TEST(Fetch, BringsAnAnswerOrAReason) {
  const Elsewhere site;
  const auto answer = fetch("http://" + site.at("/a/b?c"));
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->head.status, 200);
  EXPECT_EQ(answer->body, "GET /a/b?c\n");
  EXPECT_EQ(fetch(site.at("/nope"))->head.status, 404);
  EXPECT_EQ(fetch(site.at(""), {.method = "POST", .body = "x"})->body, "POST /\n");
  EXPECT_EQ(fetch(site.at(""), {.max_body = 3}).error().code, Code::too_large);
  EXPECT_EQ(fetch("ftp://x").error().code, Code::invalid_config);
}

TEST(Fetch, SpeaksTls) {
  const Elsewhere site(*TlsContext::server({}));
  EXPECT_EQ(fetch("https://" + site.at("/x"), {.verify = false})->body, "GET /x\n");
  EXPECT_FALSE(fetch("https://" + site.at("/x")).has_value());
}

// -- A client that is not ours.

std::string output_of(const std::string& command) {
  std::string out;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> piece{};
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), pipe)) {
    out.append(piece.data(), got);
  }
  ::pclose(pipe);
  return out;
}

TEST(Curl, GetsAnswersPlainAndSecured) {
  const Elsewhere plain;
  const std::string base = "http://" + plain.at("");
  EXPECT_EQ(output_of("curl -s " + base + "/a " + base + "/b"), "GET /a\nGET /b\n");
  EXPECT_EQ(output_of("head -c 3000000 /dev/zero | curl -s --data-binary @- " + base + "/c"),
            "POST /c\n");
  EXPECT_EQ(output_of("head -c 100000 /dev/zero | curl -s -H 'Transfer-Encoding: chunked' "
                      "--data-binary @- " +
                      base + "/d " + base + "/e"),
            "POST /d\nPOST /e\n");
  EXPECT_EQ(output_of("curl -s -0 " + base + "/f"), "GET /f\n");
  EXPECT_NE(output_of("curl -sI " + base + "/g").find("Content-Length: 8\r\n"), std::string::npos);
  const Elsewhere secured(*TlsContext::server({.alpn = {"h2", "http/1.1"}}));
  EXPECT_EQ(output_of("curl -sk --http1.1 https://" + secured.at("/h")), "GET /h\n");
  EXPECT_NE(output_of("curl -sS https://" + secured.at("/h")).find("self-signed"),
            std::string::npos);
}

}  // namespace
}  // namespace pointsman
