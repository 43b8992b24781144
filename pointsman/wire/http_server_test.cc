#include "pointsman/wire/http_server.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/wire/listener.h"

namespace pointsman {
namespace {

using std::chrono::milliseconds;
using ExchangePtr = std::unique_ptr<HttpExchange>;

// A server and raw clients on one loop. Without a handler of the test's own, exchanges wait in
// `waiting`.
struct Site {
  explicit Site(HttpServerOptions options = {}, HttpServer::Handler handler = nullptr)
      : server(
            loop, options, handler ? std::move(handler) : [this](ExchangePtr exchange) {
              waiting.push_back(std::move(exchange));
            }) {
    listener = *Listener::open(loop, *Address::parse("127.0.0.1:0"), {},
                               {{loop, [this](auto stream) { server.serve(std::move(stream)); }}});
  }

  HttpExchange& next() {
    EXPECT_TRUE(loop.run_until([&] { return !waiting.empty(); }));
    current = std::move(waiting.front());
    waiting.erase(waiting.begin());
    return *current;
  }

  Loop loop;
  std::vector<ExchangePtr> waiting;
  ExchangePtr current;
  HttpServer server;
  std::unique_ptr<Listener> listener;
};

// A client that sends bytes as they are and keeps all that comes back.
struct Client {
  explicit Client(Site& at) : site(at) {
    const auto connecting = connect(site.loop, site.listener->address(), {},
                                    [this](auto made) { stream = *std::move(made); });
    EXPECT_TRUE(site.loop.run_until([&] { return stream != nullptr; }));
    listen();
  }

  void send(std::string_view bytes) {
    unsent += bytes;
    push();
  }

  void push() {
    const std::string_view rest = unsent;
    const auto taken = stream->write(std::span(&rest, 1));
    if (!taken) return;
    unsent.erase(0, *taken);
    if (!unsent.empty()) stream->when_writable([this] { push(); });
  }

  void listen() {
    if (deaf) return;
    stream->when_readable([this] {
      const auto got = stream->read(site.loop.scratch());
      closed = !got || got->end;
      reset = !got;
      if (closed) return;
      answer.append(site.loop.scratch().data(), got->bytes);
      listen();
    });
  }

  // Runs until `text` has come, and takes everything up to its end out of the answer.
  std::string until(std::string_view text) {
    EXPECT_TRUE(site.loop.run_until([&] { return answer.contains(text) || closed; }));
    const auto at = answer.find(text);
    EXPECT_NE(at, std::string::npos) << "not found: " << text << " in: " << answer.substr(0, 500);
    if (at == std::string::npos) return {};
    std::string head = answer.substr(0, at + text.size());
    answer.erase(0, head.size());
    return head;
  }

  std::string until_closed() {
    EXPECT_TRUE(site.loop.run_until([&] { return closed; }));
    return answer;
  }

  Site& site;
  std::unique_ptr<Stream> stream;
  std::string unsent;
  std::string answer;
  bool closed = false;
  bool reset = false;
  bool deaf = false;
};

const std::string kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

std::string without_date(std::string text) {
  const auto at = text.find("Date: ");
  if (at != std::string::npos) text.erase(at, text.find("\r\n", at) + 2 - at);
  return text;
}

TEST(HttpServer, AnswersInOnePieceAndKeepsTheConnection) {
  Site site({}, [](ExchangePtr exchange) {
    EXPECT_EQ(exchange->head().fields.find("host"), "h");
    EXPECT_EQ(exchange->peer().host(), "127.0.0.1");
    ResponseHead head{.status = 201};
    head.fields.add("X-Own", "yes");
    head.fields.add("Connection", "close");
    exchange->respond(std::move(head), "made");
  });
  Client client(site);
  for (int i = 0; i < 3; ++i) {
    client.send(kGet);
    EXPECT_EQ(without_date(client.until("made")),
              "HTTP/1.1 201 Created\r\nX-Own: yes\r\nContent-Length: 4\r\n\r\nmade");
  }
  EXPECT_EQ(site.server.connections(), 1U);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrderOneAtATime) {
  Site site;
  Client client(site);
  client.send(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n"
      "xyGET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
  for (const std::string path : {"/1", "/2", "/3"}) {
    HttpExchange& exchange = site.next();
    EXPECT_TRUE(site.waiting.empty());
    EXPECT_EQ(exchange.head().target, path);
    exchange.respond(200, "answer to " + path);
    client.until("answer to " + path + "\n");
  }
}

TEST(HttpServer, StreamsInChunksOrWithADeclaredLength) {
  Site site;
  Client client(site);
  client.send(kGet);
  HttpExchange& chunked = site.next();
  chunked.start({});
  chunked.write("hello");
  client.until("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  const std::array<std::string_view, 2> parts{" ", "world"};
  chunked.write(parts);
  chunked.write("");
  chunked.finish();
  client.until("6\r\n world\r\n0\r\n\r\n");
  EXPECT_TRUE(chunked.is_gone());

  client.send(kGet);
  ResponseHead head;
  head.fields.add("content-length", "6");
  HttpExchange& known = site.next();
  known.start(head);
  known.write("abc");
  known.write("def");
  known.finish();
  const auto answer = client.until("abcdef");
  EXPECT_NE(answer.find("Content-Length: 6\r\n\r\nabcdef"), std::string::npos) << answer;
}

TEST(HttpServer, SendsEverythingWrittenInOneCallbackInOnePiece) {
  Site site({}, [](ExchangePtr exchange) {
    exchange->start({});
    exchange->write("a");
    exchange->write("b");
    exchange->finish();
  });
  Client client(site);
  client.send(kGet);
  int reads = 0;
  std::string answer;
  client.stream->when_readable([&] {
    const auto got = client.stream->read(site.loop.scratch());
    answer.assign(site.loop.scratch().data(), got->bytes);
    ++reads;
  });
  EXPECT_TRUE(site.loop.run_until([&] { return reads == 1; }));
  EXPECT_TRUE(answer.ends_with("1\r\na\r\n1\r\nb\r\n0\r\n\r\n")) << answer;
}

TEST(HttpServer, SendsNoBodyWhereNoneMayBe) {
  Site site({}, [](ExchangePtr exchange) {
    const int status = std::stoi(exchange->head().target.substr(1));
    exchange->respond(status, "text");
  });
  Client client(site);
  client.send("HEAD /200 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_NE(client.until("\r\n\r\n").find("Content-Length: 5\r\n"), std::string::npos);
  client.send("GET /204 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.until("\r\n\r\n").find("Content-Length"), std::string::npos);
  client.send("GET /200 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.until("\r\n\r\n").starts_with("HTTP/1.1 200 OK")) << "nothing was in between";
  client.until("text\n");
}

TEST(HttpServer, SpeaksTheOldVersion) {
  Site site;
  Client client(site);
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  site.next().respond(200, "one");
  EXPECT_NE(client.until("one\n").find("Connection: keep-alive\r\n"), std::string::npos);
  client.send("GET / HTTP/1.0\r\n\r\n");
  HttpExchange& exchange = site.next();
  exchange.start({});
  exchange.write("until the end");
  exchange.finish();
  const auto answer = client.until_closed();
  EXPECT_EQ(answer.find("chunked"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("Connection: close\r\n\r\nuntil the end"));
  EXPECT_FALSE(client.reset);
}

TEST(HttpServer, ClosesAfterTheResponseWhenTheClientAsks) {
  Site site({}, [](ExchangePtr exchange) { exchange->respond(200, "bye"); });
  Client client(site);
  client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(client.until_closed().ends_with("bye\n"));
  EXPECT_FALSE(client.reset);
  client.stream->close();
  EXPECT_TRUE(site.loop.run_until([&] { return site.server.connections() == 0; }));
}

// -- Bodies.

std::string post(std::size_t bytes, const std::string& fields = {}) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + fields + "Content-Length: " + std::to_string(bytes) +
         "\r\n\r\n";
}

TEST(HttpServer, GathersABodyWhateverItsFraming) {
  Site site;
  Client client(site);
  const std::string big(3'000'000, 'x');
  BodyBuffer buffer;
  std::string got;
  const auto keep = [&](Result<std::string_view> body) { got = body.value(); };

  client.send(post(big.size()) + big);
  site.next().gather_body(buffer, keep);
  EXPECT_TRUE(site.loop.run_until([&] { return !got.empty(); }));
  EXPECT_EQ(got, big);
  EXPECT_EQ(buffer.capacity(), big.size()) << "one allocation, of the right size";
  EXPECT_EQ(site.current->body_size(), big.size());
  site.current->respond(200, "one");
  client.until("one\n");

  got.clear();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  site.next().gather_body(buffer, keep);
  EXPECT_EQ(site.current->body_size(), std::nullopt);
  client.send("6\r\n world\r\n0\r\n\r\n");
  EXPECT_TRUE(site.loop.run_until([&] { return !got.empty(); }));
  EXPECT_EQ(got, "hello world");
  site.current->respond(200, "two");
  client.until("two\n");

  client.send(kGet);
  got = "?";
  site.next().gather_body(buffer, keep);
  EXPECT_EQ(got, "");
  EXPECT_EQ(site.current->body_size(), 0U);
}

TEST(HttpServer, StreamsABodyAndHoldsThePeerBackWhilePaused) {
  Site site;
  Client client(site);
  const std::string big(16'000'000, 'x');
  client.send(post(big.size()) + big);
  HttpExchange& exchange = site.next();
  std::size_t got = 0;
  bool done = false;
  exchange.stream_body([&](Result<std::string_view> bytes, bool last) {
    ASSERT_TRUE(bytes.has_value());
    got += bytes->size();
    done = last;
    if (got < 1'000'000) exchange.pause_body();
  });
  // The kernel's buffers fill up; then nothing moves.
  site.loop.run_until([&] { return false; }, milliseconds(50));
  const std::size_t paused_at = got;
  EXPECT_LT(paused_at, 1'000'000U);
  EXPECT_FALSE(client.unsent.empty());
  exchange.resume_body();
  EXPECT_TRUE(site.loop.run_until([&] {
    if (got < 1'000'000) exchange.resume_body();
    return done;
  }));
  EXPECT_EQ(got, big.size());
}

TEST(HttpServer, InvitesABodyThatWaitsForIt) {
  Site site;
  Client client(site);
  client.send(post(2, "Expect: 100-continue\r\n"));
  BodyBuffer buffer;
  std::string got;
  site.next().gather_body(buffer, [&](auto body) { got = body.value(); });
  EXPECT_EQ(client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_TRUE(site.loop.run_until([&] { return got == "ok"; }));
  site.current->respond(200, "thanks");
  client.until("thanks\n");

  client.send(post(2, "Expect: 100-continue\r\n"));
  site.next().respond(401, "no");
  EXPECT_TRUE(client.until_closed().starts_with("HTTP/1.1 401 Unauthorized\r\n"))
      << "nobody knows whether the body comes";
  Client odd(site);
  odd.send(post(2, "Expect: magic\r\n"));
  EXPECT_TRUE(odd.until_closed().starts_with("HTTP/1.1 417 "));
}

TEST(HttpServer, SkipsASmallBodyNobodyReadsAndClosesAfterALargeOne) {
  Site site({}, [](ExchangePtr exchange) { exchange->respond(200, "early"); });
  Client client(site);
  client.send(post(100'000) + std::string(50'000, 'x'));
  client.until("early\n");
  client.send(std::string(50'000, 'x') + kGet);
  client.until("early\n");
  client.send(post(10'000'000) + std::string(5'000'000, 'x'));
  EXPECT_TRUE(client.until_closed().ends_with("early\n"));
}

TEST(HttpServer, RefusesBodiesBeyondItsLimit) {
  Site site({.body_bytes = 1000});
  Client declared(site);
  declared.send(post(1001));
  EXPECT_TRUE(declared.until_closed().starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(site.waiting.empty());

  Client chunked(site);
  chunked.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
               std::string(1001, 'x') + "\r\n");
  BodyBuffer buffer;
  Code code = Code::internal;
  site.next().gather_body(buffer, [&](auto body) { code = body.error().code; });
  EXPECT_TRUE(chunked.until_closed().starts_with("HTTP/1.1 413 "));
  EXPECT_EQ(code, Code::too_large);
  EXPECT_TRUE(site.current->is_gone());
  EXPECT_EQ(site.server.refused(), 2U);
}

TEST(HttpServer, RefusesABadChunk) {
  Site site;
  Client client(site);
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nnope\r\n");
  Code code = Code::internal;
  site.next().stream_body([&](auto bytes, bool) { code = bytes.error().code; });
  EXPECT_TRUE(client.until_closed().ends_with("malformed chunk size\n"));
  EXPECT_EQ(code, Code::bad_request);
}

// -- Things that go wrong.

TEST(HttpServer, RefusesMalformedRequestsAndCloses) {
  Site site;
  for (const auto* text : {"nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: "
                           "chunked\r\n\r\n"}) {
    Client client(site);
    client.send(text);
    EXPECT_TRUE(client.until_closed().starts_with("HTTP/1.1 400 Bad Request\r\n")) << text;
    EXPECT_FALSE(client.reset);
  }
  EXPECT_EQ(site.server.refused(), 4U);
  EXPECT_TRUE(site.waiting.empty());
}

TEST(HttpServer, LimitsTheHead) {
  Site site;
  Client client(site);
  client.send("GET / HTTP/1.1\r\nX: " + std::string(70'000, 'x'));
  EXPECT_TRUE(client.until_closed().starts_with("HTTP/1.1 431 "));
  Client many(site);
  std::string fields;
  for (int i = 0; i < 300; ++i) fields += "X: y\r\n";
  many.send("GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
  EXPECT_TRUE(many.until_closed().starts_with("HTTP/1.1 431 "));
}

TEST(HttpServer, GivesUpOnSlowHeadsBodiesAndIdleConnections) {
  Site site(
      {.idle = milliseconds(30), .head_time = milliseconds(30), .body_pause = milliseconds(30)});
  Client idle(site);
  EXPECT_EQ(idle.until_closed(), "");
  Client head(site);
  head.send("GET / HT");
  EXPECT_TRUE(head.until_closed().starts_with("HTTP/1.1 408 "));
  Client body(site);
  body.send(post(5) + "abc");
  BodyBuffer buffer;
  Code code = Code::internal;
  site.next().gather_body(buffer, [&](auto got) { code = got.error().code; });
  EXPECT_TRUE(body.until_closed().starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(code, Code::timeout);
}

TEST(HttpServer, DoesNotLetDripFeedingExtendTheHeadsTime) {
  Site site({.head_time = milliseconds(60)});
  Client client(site);
  Timer drip(site.loop, [&] {
    client.send("x");
    drip.arm(milliseconds(5));
  });
  client.send("GET /");
  drip.arm(milliseconds(5));
  EXPECT_TRUE(client.until_closed().starts_with("HTTP/1.1 408 "));
}

TEST(HttpServer, ReportsAClientThatLeavesAtOnce) {
  Site site;
  for (const bool reset : {false, true}) {
    Client waiting(site);
    waiting.send(kGet);
    bool gone = false;
    site.next().when_gone([&] { gone = true; });
    waiting.stream->close(reset);
    EXPECT_TRUE(site.loop.run_until([&] { return gone; }));
    EXPECT_TRUE(site.current->is_gone());
    site.current->respond(200, "to nobody");

    Client streaming(site);
    streaming.send(kGet);
    HttpExchange& exchange = site.next();
    gone = false;
    exchange.when_gone([&] { gone = true; });
    exchange.start({});
    exchange.write("chunk");
    streaming.until("chunk");
    streaming.stream->close(reset);
    EXPECT_TRUE(site.loop.run_until([&] { return gone; }));

    Client sending(site);
    sending.send(post(10) + "abc");
    Code code = Code::internal;
    BodyBuffer buffer;
    site.next().gather_body(buffer, [&](auto body) { code = body.error().code; });
    sending.stream->close(reset);
    EXPECT_TRUE(site.loop.run_until([&] { return code == Code::cancelled; }));
  }
  EXPECT_EQ(site.server.connections(), 0U);
}

TEST(HttpServer, BoundsWhatASlowReaderMakesItKeep) {
  Site site({.high_water = 100'000});
  Client client(site);
  client.deaf = true;
  client.send(kGet);
  client.stream->ignore_readable();
  HttpExchange& exchange = site.next();
  exchange.start({});
  const std::string piece(10'000, 'x');
  std::size_t pieces = 0;
  std::size_t most = 0;
  bool done = false;
  std::function<void()> more = [&] {
    while (pieces < 2000) {
      ++pieces;
      const bool room = exchange.write(piece);
      most = std::max(most, exchange.unsent());
      if (!room) {
        exchange.when_writable(more);
        return;
      }
    }
    exchange.finish();
    done = true;
  };
  more();
  site.loop.run_until([&] { return false; }, milliseconds(50));
  EXPECT_LT(pieces, 2000U) << "held back";
  EXPECT_LT(most, 100'000U + 20'000U);
  client.deaf = false;
  client.listen();
  EXPECT_TRUE(site.loop.run_until([&] { return done && client.answer.ends_with("0\r\n\r\n"); }));
  EXPECT_GT(client.answer.size(), 20'000'000U);
}

TEST(HttpServer, GivesUpOnAReaderThatStandsStill) {
  Site site({.write_pause = milliseconds(30), .high_water = 100'000});
  Client client(site);
  client.deaf = true;
  client.stream->ignore_readable();
  client.send(kGet);
  HttpExchange& exchange = site.next();
  bool gone = false;
  exchange.when_gone([&] { gone = true; });
  exchange.start({});
  const std::string piece(1'000'000, 'x');
  for (int i = 0; i < 20; ++i) exchange.write(piece);
  EXPECT_TRUE(site.loop.run_until([&] { return gone; }));
  EXPECT_EQ(site.server.connections(), 0U);
}

TEST(HttpServer, CutsAResponseThatCannotBeCompleted) {
  Site site;
  {
    Client client(site);
    client.send(kGet);
    site.next().start({});
    site.current->write("half");
    site.current.reset();
    EXPECT_TRUE(client.until_closed().ends_with("4\r\nhalf\r\n")) << "no last chunk";
  }
  {
    Client client(site);
    client.send("GET / HTTP/1.0\r\n\r\n");
    site.next().start({});
    site.current->write("half");
    client.until("half");
    site.current->abort();
    client.until_closed();
    EXPECT_TRUE(client.reset) << "an orderly end would look complete";
  }
  {
    Client client(site);
    client.send(kGet);
    ResponseHead head;
    head.fields.add("Content-Length", "3");
    site.next().start(head);
    site.current->write("abcd");
    EXPECT_TRUE(client.until_closed().ends_with("\r\n\r\n")) << "too much is not sent";
    EXPECT_TRUE(site.current->is_gone());
  }
}

TEST(HttpServer, AnswersForAHandlerThatDropsTheExchange) {
  Site site({}, [](ExchangePtr) {});
  Client client(site);
  client.send(kGet);
  EXPECT_TRUE(client.until_closed().starts_with("HTTP/1.1 500 "));
}

TEST(HttpServer, DrainsIdleConnectionsAtOnceAndOthersAfterTheirResponse) {
  Site site;
  Client idle(site);
  idle.send(kGet);
  site.next().respond(200, "before");
  idle.until("before\n");
  Client busy(site);
  busy.send(kGet);
  HttpExchange& exchange = site.next();
  bool drained = false;
  site.server.drain([&] { drained = true; });
  EXPECT_EQ(idle.until_closed(), "");
  EXPECT_FALSE(drained);
  exchange.respond(200, "last");
  EXPECT_TRUE(busy.until_closed().ends_with("last\n"));
  busy.stream->close();
  idle.stream->close();
  EXPECT_TRUE(site.loop.run_until([&] { return drained; }));
}

TEST(HttpServer, LeavesItsExchangesGoneWhenItIsDestroyed) {
  Loop loop;
  ExchangePtr exchange;
  auto server = std::make_unique<HttpServer>(loop, HttpServerOptions{},
                                             [&](ExchangePtr e) { exchange = std::move(e); });
  const auto listener =
      *Listener::open(loop, *Address::parse("127.0.0.1:0"), {},
                      {{loop, [&](auto stream) { server->serve(std::move(stream)); }}});
  std::unique_ptr<Stream> client;
  const auto connecting = connect(loop, listener->address(), {}, [&](auto stream) {
    client = *std::move(stream);
    const std::string_view text = kGet;
    EXPECT_TRUE(client->write(std::span(&text, 1)).has_value());
  });
  EXPECT_TRUE(loop.run_until([&] { return exchange != nullptr; }));
  server.reset();
  EXPECT_TRUE(exchange->is_gone());
  exchange->respond(200, "nobody");
}

}  // namespace
}  // namespace pointsman
