// HTTP/2 clients that misbehave, leave or stand still, and servers that end.

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "pointsman/wire/http_server.h"
#include "pointsman/wire/testing/http2_site.h"

namespace pointsman {
namespace {

using std::chrono::milliseconds;
using testing::Client;
using testing::ExchangePtr;
using testing::Http2Site;
using testing::Site;
using testing::with_http2;

std::uint64_t refused(const RefusalCounts& counts) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kRefusalNames.size(); ++i) sum += counts.of(static_cast<Refusal>(i));
  return sum;
}

TEST(HttpServerHttp2, TellsOfAClientThatResetsItsRequest) {
  Http2Site site;
  const auto id = site.request("GET", "/", true);
  HttpExchange& exchange = site.next();
  bool gone = false;
  exchange.when_gone([&] { gone = true; });
  site.h2.reset(id);
  ASSERT_TRUE(site.run([&] { return gone; }));
  EXPECT_TRUE(exchange.is_gone());
  exchange.respond(200, "too late");
}

// A field of kilobytes costs two bytes when it is said again.
TEST(HttpServerHttp2, BoundsTheMemoryOfHeaderFields) {
  RefusalCounts refusals;
  ByteBudget memory(300'000);
  for (const bool shared : {false, true}) {
    HttpServerOptions options = with_http2();
    options.refusals = &refusals;
    options.heads_bytes = shared ? 10'000'000 : 300'000;
    if (shared) options.memory = &memory;
    Http2Site site(options);
    const Http2Client::Fields large(10, {"x-large", std::string(3'000, 'x')});
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(site.request("GET", "/", true, large));
    ASSERT_TRUE(site.run([&] { return site.h2.answer(ids.back()).ended; }));
    EXPECT_EQ(site.waiting.size(), 9U) << "30 KB each";
    EXPECT_EQ(site.h2.answer(ids.back()).fields[":status"], "503");
    EXPECT_EQ(site.h2.answer(ids.back()).fields["retry-after"], "1");
    EXPECT_EQ(refusals.of(Refusal::http2_header_size), shared ? 22U : 11U);
    for (auto& exchange : std::exchange(site.waiting, {})) exchange->respond(200, "done");
    ASSERT_TRUE(site.run([&] { return site.h2.answer(ids.front()).ended; }));
    const auto again = site.request("GET", "/", true, large);
    site.next().respond(200, "room again");
    EXPECT_EQ(site.ended(again).fields[":status"], "200");
    site.current.reset();
    EXPECT_EQ(memory.used(), 0U);
  }
}

TEST(HttpServerHttp2, TakesMemoryForABodyAsItComes) {
  Http2Site site;
  const auto id = site.request("POST", "/", false, {{"content-length", "60000000"}});
  site.h2.write(id, "x");
  BodyBuffer buffer;
  site.next().gather_body(buffer, [](auto) {});
  ASSERT_TRUE(site.run([&] { return buffer.size() == 1; }));
  EXPECT_LE(buffer.capacity(), BodyBuffer::kFirst);
}

TEST(HttpServerHttp2, CountsRequestsThatAreMalformed) {
  RefusalCounts refusals;
  HttpServerOptions options = with_http2();
  options.refusals = &refusals;
  Http2Site site(options);
  const auto reset = site.request("GET", "/", true, {{"connection", "close"}});
  ASSERT_TRUE(site.run([&] { return site.h2.answer(reset).closed.has_value(); }));
  EXPECT_EQ(refusals.of(Refusal::http2_protocol), 1U);
  const auto connect = site.h2.request({{":method", "CONNECT"}, {":authority", "x:1"}}, true);
  EXPECT_EQ(site.ended(connect).fields[":status"], "501");
  EXPECT_EQ(refusals.of(Refusal::http2_protocol), 2U);
  EXPECT_EQ(refused(refusals), 2U);
}

TEST(HttpServerHttp2, RefusesWhatHttp1Refuses) {
  Http2Site site;
  const auto target = site.request("GET", "/a#b", true);
  EXPECT_EQ(site.ended(target).fields[":status"], "400");
  const auto expecting = site.request("POST", "/", false, {{"expect", "a-miracle"}});
  EXPECT_EQ(site.ended(expecting).fields[":status"], "417");
  for (const auto* host : {"u:p@h", "a,b"}) {
    const auto id = site.h2.request(
        {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", host}}, true);
    EXPECT_EQ(site.ended(id).fields[":status"], "400") << host;
  }
  EXPECT_TRUE(site.waiting.empty());
}

TEST(HttpServerHttp2, NeverHandsOverARequestThatIsResetAtOnce) {
  Http2Site site;
  const auto reset = site.request("GET", "/gone", true);
  std::string bytes(site.h2.output());
  site.h2.reset(reset);
  bytes += site.h2.output();
  site.link.send(bytes);  // both are read in one look at the socket
  const auto id = site.request("GET", "/next", true);
  EXPECT_EQ(site.next().head().target, "/next");
  site.current->respond(200, "still there");
  site.ended(id);
}

TEST(HttpServerHttp2, ClosesOnWhatIsNeitherOfItsLanguages) {
  Site site(with_http2());
  for (const auto* text : {"INVALID CONNECTION PREFACE\r\n\r\n", "\r\nGET / ICY/1.0\r\n\r\n"}) {
    Client client(site);
    client.send(text);
    EXPECT_EQ(client.until_closed(), "") << text;
  }
}

TEST(HttpServerHttp2, AnswersWhatMayBeHttp1InIt) {
  Site site(with_http2());
  for (const auto* text : {"NONSENSE\r\n\r\n", "\r\nGET /\r\n\r\n", "a b c d\r\n\r\n"}) {
    Client client(site);
    client.send(text);
    EXPECT_TRUE(client.until_closed().starts_with("HTTP/1.1 400 ")) << text;
  }
  Client client(site);
  client.send("\r\n" + testing::kGet);
  site.next().respond(200, "hello");
  EXPECT_TRUE(client.until("hello").starts_with("HTTP/1.1 200 "));
}

TEST(HttpServerHttp2, AResponseThatCannotBeCompletedIsReset) {
  Http2Site site;
  const auto id = site.request("GET", "/", true);
  HttpExchange& exchange = site.next();
  exchange.start({});
  exchange.write("half");
  exchange.abort();
  ASSERT_TRUE(site.run([&] { return site.h2.answer(id).closed.has_value(); }));
  EXPECT_NE(*site.h2.answer(id).closed, 0U);
}

TEST(HttpServerHttp2, GivesUpOnSlowBodies) {
  HttpServerOptions options = with_http2();
  options.body_pause = milliseconds(30);
  Http2Site site(options);
  const auto id = site.request("POST", "/", false);
  BodyBuffer buffer;
  Code code = Code::internal;
  site.next().gather_body(buffer, [&](auto got) { code = got.error().code; });
  EXPECT_EQ(site.ended(id).fields[":status"], "408");
  EXPECT_EQ(code, Code::timeout);
}

TEST(HttpServerHttp2, GivesUpOnAReaderOfAWholeAnswerThatStandsStill) {
  for (const bool finished : {true, false}) {
    RefusalCounts refusals;
    HttpServerOptions options = with_http2();
    options.write_pause = milliseconds(30);
    options.refusals = &refusals;
    Http2Site site(options, /*client_reads=*/false);
    const auto id = site.request("GET", "/", true);
    HttpExchange& exchange = site.next();
    bool gone = false;
    exchange.when_gone([&] { gone = true; });
    exchange.start({});
    exchange.write(std::string(500'000, 'x'));
    if (finished) {
      exchange.finish();
    } else {
      exchange.when_writable([] { ADD_FAILURE() << "nobody reads"; });
    }
    ASSERT_TRUE(site.run([&] { return site.h2.answer(id).closed.has_value(); }));
    EXPECT_EQ(*site.h2.answer(id).closed, NGHTTP2_CANCEL);
    EXPECT_EQ(gone, !finished);
    EXPECT_EQ(refusals.of(Refusal::http1_timeout), 1U);
    EXPECT_EQ(refused(refusals), 1U);
  }
}

TEST(HttpServerHttp2, HasPatienceWithAReaderThatIsOnlySlow) {
  HttpServerOptions options = with_http2();
  options.write_pause = milliseconds(120);
  Http2Site site(options, /*client_reads=*/false);
  const auto id = site.request("GET", "/", true);
  site.next().respond(200, std::string(200'000, 'x'));
  const auto begin = Clock::now();
  std::size_t read = 0;
  ASSERT_TRUE(site.run([&] {
    auto& answer = site.h2.answer(id);
    // 600 bytes a millisecond: twice and more the time that standing still may take.
    const auto due = static_cast<std::size_t>((Clock::now() - begin) / milliseconds(1)) * 600;
    const std::size_t now = std::min(due, answer.body.size());
    if (now > read) site.h2.consume(id, now - std::exchange(read, now));
    return answer.closed.has_value() || answer.ended;
  }));
  EXPECT_TRUE(site.h2.answer(id).ended);
  EXPECT_EQ(site.h2.answer(id).body.size(), 200'001U);
}

TEST(HttpServerHttp2, AnswersWhatIsOnItsWayWhenAnIdleConnectionEnds) {
  HttpServerOptions options = with_http2();
  options.idle = milliseconds(30);
  Http2Site site(options);
  const auto first = site.request("GET", "/", true);
  site.next().respond(200, "first");
  site.ended(first);
  site.run([&] { return false; }, milliseconds(5));
  const auto id = site.request("GET", "/late", true);
  const std::string late = site.h2.output();
  ASSERT_TRUE(site.loop.run_until([&] { return !site.link.answer.empty(); })) << "GOAWAY";
  site.link.send(late);
  EXPECT_EQ(site.next().head().target, "/late");
  site.current->respond(200, "late");
  EXPECT_EQ(site.ended(id).body, "late\n");
  EXPECT_TRUE(site.run([&] { return site.link.closed; }));
  EXPECT_EQ(site.h2.goaways(), 2);
  EXPECT_EQ(site.h2.goaway_code(), NGHTTP2_NO_ERROR);
}

TEST(HttpServerHttp2, ClosesAnIdleConnectionWhosePeerSaysNothing) {
  HttpServerOptions options = with_http2();
  options.idle = options.head_time = milliseconds(20);
  Http2Site site(options);
  site.link.send(site.h2.output());
  EXPECT_TRUE(site.loop.run_until([&] { return site.link.closed; }));
  EXPECT_EQ(site.server.connections(), 0U);
}

TEST(HttpServerHttp2, PartsWithAConnectionThatComesLater) {
  Http2Site site;
  site.server.part();
  const auto id = site.request("GET", "/", true);
  site.next().respond(200, "once");
  EXPECT_EQ(site.ended(id).body, "once\n");
  EXPECT_TRUE(site.run([&] { return site.link.closed; }));
  EXPECT_GE(site.h2.goaways(), 1);
}

TEST(HttpServerHttp2, DoesNotCountADroppedRequestAsRefused) {
  RefusalCounts refusals;
  HttpServerOptions options = with_http2();
  options.refusals = &refusals;
  Http2Site site(options, true, [](ExchangePtr) {});
  const auto id = site.request("GET", "/", true);
  EXPECT_EQ(site.ended(id).fields[":status"], "500");
  EXPECT_EQ(refused(refusals), 0U);
}

TEST(HttpServerHttp2, LeavesItsExchangesGoneWhenItIsDestroyed) {
  Loop loop;
  ExchangePtr exchange;
  auto server = std::make_unique<HttpServer>(loop, with_http2(),
                                             [&](ExchangePtr e) { exchange = std::move(e); });
  const auto listener =
      *Listener::open(loop, *Address::parse("127.0.0.1:0"), {},
                      {{loop, [&](auto stream) { server->serve(std::move(stream)); }}});
  Http2Client h2;
  h2.post("/", true);
  const std::string bytes = h2.output();
  std::unique_ptr<Stream> client;
  const auto connecting = connect(loop, listener->address(), {}, [&](auto stream) {
    client = *std::move(stream);
    const std::string_view text = bytes;
    EXPECT_TRUE(client->write(std::span(&text, 1)).has_value());
  });
  ASSERT_TRUE(loop.run_until([&] { return exchange != nullptr; }));
  exchange->when_gone([] { ADD_FAILURE() << "nobody is called"; });
  server.reset();
  EXPECT_TRUE(exchange->is_gone());
  exchange->respond(200, "nobody");
}

// A client that is stopped in the middle of its request often does not look at the answer.
TEST(HttpServerHttp2, LetsAClientSeeARefusalBeforeItIsStopped) {
  HttpServerOptions options = with_http2();
  options.body_bytes = 1000;
  Http2Site site(options);
  const auto id = site.request("POST", "/", false, {{"content-length", "3000000"}});
  site.h2.write(id, std::string(1'000'000, 'x'));
  EXPECT_EQ(site.ended(id).fields[":status"], "413");
  site.run([&] { return false; }, milliseconds(30));
  EXPECT_EQ(site.h2.answer(id).closed, std::nullopt);
  EXPECT_TRUE(site.run([&] { return site.h2.answer(id).closed.has_value(); }));
  EXPECT_EQ(*site.h2.answer(id).closed, NGHTTP2_NO_ERROR);
}

}  // namespace
}  // namespace pointsman
