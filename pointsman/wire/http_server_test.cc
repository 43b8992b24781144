#include "pointsman/wire/http_server.h"

#include <array>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "pointsman/wire/testing/http_site.h"

namespace pointsman {
namespace {

using std::chrono::milliseconds;
using testing::Client;
using testing::ExchangePtr;
using testing::kGet;
using testing::post;
using testing::Site;
using testing::without_date;

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

TEST(HttpServer, HoldsThePeerBackWhoseBodyNobodyWantsYet) {
  Site site;
  Client client(site);
  const std::string big(16'000'000, 'x');
  client.send(post(big.size()) + big);
  HttpExchange& exchange = site.next();
  // The kernel's buffers fill up; then nothing moves.
  site.loop.run_until([&] { return false; }, milliseconds(50));
  EXPECT_FALSE(client.unsent.empty());
  BodyBuffer buffer;
  std::size_t got = 0;
  exchange.gather_body(buffer, [&](auto body) { got = body->size(); });
  EXPECT_TRUE(site.loop.run_until([&] { return got > 0; }));
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
  RefusalCounts refusals;
  Site site({.body_bytes = 1000, .refusals = &refusals});
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
  EXPECT_EQ(refusals.of(Refusal::http1_body_size), 2U);
}

TEST(HttpServer, RefusesABadChunk) {
  Site site;
  Client client(site);
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nnope\r\n");
  Code code = Code::internal;
  BodyBuffer buffer;
  site.next().gather_body(buffer, [&](auto body) { code = body.error().code; });
  EXPECT_TRUE(client.until_closed().ends_with("malformed chunk size\n"));
  EXPECT_EQ(code, Code::bad_request);
}

}  // namespace
}  // namespace pointsman
