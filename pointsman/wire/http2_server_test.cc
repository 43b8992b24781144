// HttpServer's other language: HTTP/2 on the same exchanges.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/wire/http_server.h"
#include "pointsman/wire/testing/http2_client.h"
#include "pointsman/wire/testing/http_site.h"

namespace pointsman {
namespace {

using std::chrono::milliseconds;
using testing::Client;
using testing::Site;

std::string json_error(int status, std::string_view why) {
  return "{" + std::to_string(status) + " " + std::string(why) + "}";
}

HttpServerOptions with_http2() {
  return {.error_body = json_error, .http2 = true};
}

// A site and an HTTP/2 client of it.
struct Bench {
  explicit Bench(const HttpServerOptions& options = with_http2()) : site(options) {}

  // Runs until `done`, moving bytes.
  template <typename Done>
  bool run(const Done& done) {
    return site.loop.run_until([&] {
      link.send(h2.output());
      if (!link.answer.empty()) h2.feed(std::exchange(link.answer, {}));
      link.send(h2.output());
      return done();
    });
  }
  std::int32_t request(const std::string& method, const std::string& path, bool end,
                       Http2Client::Fields more = {}) {
    Http2Client::Fields fields{
        {":method", method}, {":scheme", "http"}, {":authority", "router:1"}, {":path", path}};
    fields.insert(fields.end(), more.begin(), more.end());
    return h2.request(fields, end);
  }
  HttpExchange& next() {
    EXPECT_TRUE(run([&] { return !site.waiting.empty(); }));
    site.current = std::move(site.waiting.front());
    site.waiting.erase(site.waiting.begin());
    return *site.current;
  }

  Site site;
  Client link{site};
  Http2Client h2;
  Timer tick{site.loop, [this] { tick.arm(milliseconds(1)); }};
};

TEST(HttpServerHttp2, ARequestReadsAsOneOfHttp1) {
  Bench bench;
  bench.tick.arm(milliseconds(1));
  const auto id =
      bench.request("GET", "/a?b", true, {{"x-one", "1"}, {"cookie", "a=1"}, {"cookie", "b=2"}});
  HttpExchange& exchange = bench.next();
  EXPECT_EQ(exchange.head().method, "GET");
  EXPECT_EQ(exchange.head().target, "/a?b");
  EXPECT_EQ(exchange.head().fields.find("host"), "router:1");
  EXPECT_EQ(exchange.head().fields.find("x-one"), "1");
  EXPECT_EQ(exchange.head().fields.find("cookie"), "a=1; b=2");
  EXPECT_EQ(exchange.body_size(), 0U);
  ResponseHead head{.status = 201};
  head.fields.add("X-Answer", "yes");
  head.fields.add("Transfer-Encoding", "chunked");
  exchange.respond(std::move(head), "hello");
  ASSERT_TRUE(bench.run([&] { return bench.h2.answer(id).ended; }));
  auto& answer = bench.h2.answer(id);
  EXPECT_EQ(answer.fields[":status"], "201");
  EXPECT_EQ(answer.fields["x-answer"], "yes");
  EXPECT_EQ(answer.fields["content-length"], "5");
  EXPECT_FALSE(answer.fields.contains("transfer-encoding"));
  EXPECT_EQ(answer.body, "hello");
}

TEST(HttpServerHttp2, GathersABodyThatComesBitByBit) {
  Bench bench;
  bench.tick.arm(milliseconds(1));
  const auto id = bench.request("POST", "/", false);
  bench.h2.write(id, "early ");
  HttpExchange& exchange = bench.next();
  EXPECT_EQ(exchange.body_size(), std::nullopt);
  BodyBuffer buffer;
  std::string got;
  exchange.gather_body(buffer, [&](auto whole) { got = *whole; });
  bench.h2.write(id, std::string(3'000'000, 'x'), true);
  ASSERT_TRUE(bench.run([&] { return !got.empty(); }));
  EXPECT_EQ(got.size(), 3'000'006U);
  EXPECT_TRUE(got.starts_with("early x"));
}

TEST(HttpServerHttp2, ManyRequestsShareAConnection) {
  Bench bench;
  bench.tick.arm(milliseconds(1));
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(bench.request("GET", "/" + std::to_string(i), true));
  ASSERT_TRUE(bench.run([&] { return bench.site.waiting.size() == 20; }));
  EXPECT_EQ(bench.site.waiting[7]->head().target, "/7");
  for (auto& exchange : bench.site.waiting) exchange->start({});
  for (auto& exchange : bench.site.waiting) exchange->write("x");
  for (auto& exchange : bench.site.waiting) exchange->finish();
  for (const auto id : ids) {
    EXPECT_TRUE(bench.run([&] { return bench.h2.answer(id).ended; }));
  }
}

TEST(HttpServerHttp2, HoldsAWriterBackWhoseReaderIsSlow) {
  Bench bench;
  bench.tick.arm(milliseconds(1));
  const auto id = bench.request("GET", "/", true);
  HttpExchange& exchange = bench.next();
  exchange.start({});
  std::size_t written = 0;
  bool blocked = false;
  const std::string piece(100'000, 'x');
  while (!blocked && written < 100'000'000) {
    blocked = !exchange.write(piece);
    written += piece.size();
  }
  EXPECT_TRUE(blocked);
  EXPECT_LT(written, 1'000'000U);
  bool ready = false;
  exchange.when_writable([&] { ready = true; });
  ASSERT_TRUE(bench.run([&] { return ready; }));
  exchange.finish();
  ASSERT_TRUE(bench.run([&] { return bench.h2.answer(id).ended; }));
  EXPECT_EQ(bench.h2.answer(id).body.size(), written);
}

TEST(HttpServerHttp2, TellsOfAClientThatResetsItsRequest) {
  Bench bench;
  bench.tick.arm(milliseconds(1));
  const auto id = bench.request("GET", "/", true);
  HttpExchange& exchange = bench.next();
  bool gone = false;
  exchange.when_gone([&] { gone = true; });
  bench.h2.reset(id);
  ASSERT_TRUE(bench.run([&] { return gone; }));
  EXPECT_TRUE(exchange.is_gone());
  exchange.respond(200, "too late");
}

TEST(HttpServerHttp2, NeverHandsOverARequestThatIsResetAtOnce) {
  Bench bench;
  bench.tick.arm(milliseconds(1));
  const auto reset = bench.request("GET", "/gone", true);
  std::string bytes(bench.h2.output());
  bench.h2.reset(reset);
  bytes += bench.h2.output();
  bench.link.send(bytes);  // both are read in one look at the socket
  const auto id = bench.request("GET", "/next", true);
  EXPECT_EQ(bench.next().head().target, "/next");
  bench.site.current->respond(200, "still there");
  ASSERT_TRUE(bench.run([&] { return bench.h2.answer(id).ended; }));
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

TEST(HttpServerHttp2, RefusesInWordsOfItsOwn) {
  HttpServerOptions options = with_http2();
  options.body_bytes = 10;
  ByteBudget memory(4);
  options.memory = &memory;
  Bench bench(options);
  bench.tick.arm(milliseconds(1));
  const auto declared = bench.request("POST", "/", false, {{"content-length", "11"}});
  ASSERT_TRUE(bench.run([&] { return bench.h2.answer(declared).ended; }));
  EXPECT_EQ(bench.h2.answer(declared).fields[":status"], "413");
  EXPECT_EQ(bench.h2.answer(declared).body, "{413 the body is too large}");
  const auto heavy = bench.request("POST", "/", false);
  BodyBuffer buffer;
  Code code = Code::internal;
  bench.next().gather_body(buffer, [&](auto got) { code = got.error().code; });
  bench.h2.write(heavy, "12345");
  ASSERT_TRUE(bench.run([&] { return bench.h2.answer(heavy).ended; }));
  EXPECT_EQ(bench.h2.answer(heavy).fields[":status"], "503");
  EXPECT_EQ(bench.h2.answer(heavy).fields["retry-after"], "1");
  EXPECT_EQ(code, Code::unavailable);
  bench.site.current.reset();
  EXPECT_EQ(memory.used(), 0U);
}

TEST(HttpServerHttp2, AnswersHeadWithoutABody) {
  Bench bench;
  bench.tick.arm(milliseconds(1));
  const auto id = bench.request("HEAD", "/", true);
  bench.next().respond(200, "hello");
  ASSERT_TRUE(bench.run([&] { return bench.h2.answer(id).ended; }));
  EXPECT_EQ(bench.h2.answer(id).fields["content-length"], "6");
  EXPECT_EQ(bench.h2.answer(id).body, "");
}

TEST(HttpServerHttp2, SaysThatABodyIsWanted) {
  Bench bench;
  bench.tick.arm(milliseconds(1));
  const auto id = bench.request("POST", "/", false, {{"expect", "100-continue"}});
  BodyBuffer buffer;
  bool whole = false;
  bench.next().gather_body(buffer, [&](auto) { whole = true; });
  ASSERT_TRUE(bench.run([&] { return bench.h2.answer(id).fields[":status"] == "100"; }));
  bench.h2.write(id, "x", true);
  ASSERT_TRUE(bench.run([&] { return whole; }));
}

TEST(HttpServerHttp2, DrainsWhenTheLastAnswerHasGone) {
  Bench bench;
  bench.tick.arm(milliseconds(1));
  const auto id = bench.request("GET", "/", true);
  HttpExchange& exchange = bench.next();
  bool drained = false;
  bench.site.server.drain([&] { drained = true; });
  ASSERT_TRUE(bench.run([&] { return bench.h2.goaways() >= 1; }));
  EXPECT_FALSE(drained);
  exchange.respond(200, "last");
  ASSERT_TRUE(bench.run([&] { return bench.h2.answer(id).ended && drained; }));
}

TEST(HttpServerHttp2, AResponseThatCannotBeCompletedIsReset) {
  Bench bench;
  bench.tick.arm(milliseconds(1));
  const auto id = bench.request("GET", "/", true);
  HttpExchange& exchange = bench.next();
  exchange.start({});
  exchange.write("half");
  exchange.abort();
  ASSERT_TRUE(bench.run([&] { return bench.h2.answer(id).closed.has_value(); }));
  EXPECT_NE(*bench.h2.answer(id).closed, 0U);
}

TEST(HttpServerHttp2, IsNotSpokenUnlessAskedFor) {
  Bench bench(HttpServerOptions{});
  bench.tick.arm(milliseconds(1));
  bench.request("GET", "/", true);
  ASSERT_TRUE(bench.run([&] { return bench.link.closed || bench.h2.failed(); }));
}

TEST(HttpServerHttp2, GivesUpOnSlowBodies) {
  HttpServerOptions options = with_http2();
  options.body_pause = milliseconds(30);
  Bench bench(options);
  bench.tick.arm(milliseconds(1));
  const auto id = bench.request("POST", "/", false);
  BodyBuffer buffer;
  Code code = Code::internal;
  bench.next().gather_body(buffer, [&](auto got) { code = got.error().code; });
  ASSERT_TRUE(bench.run([&] { return bench.h2.answer(id).ended; }));
  EXPECT_EQ(bench.h2.answer(id).fields[":status"], "408");
  EXPECT_EQ(code, Code::timeout);
}

}  // namespace
}  // namespace pointsman
