// HttpServer's other language: HTTP/2 on the same exchanges.

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/wire/http_server.h"
#include "pointsman/wire/testing/http2_site.h"

namespace pointsman {
namespace {

using std::chrono::milliseconds;
using testing::Client;
using testing::Http2Site;
using testing::Site;
using testing::with_http2;

TEST(HttpServerHttp2, ARequestReadsAsOneOfHttp1) {
  Http2Site site;
  const auto id =
      site.request("GET", "/a?b", true, {{"x-one", "1"}, {"cookie", "a=1"}, {"cookie", "b=2"}});
  HttpExchange& exchange = site.next();
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
  auto& answer = site.ended(id);
  EXPECT_EQ(answer.fields[":status"], "201");
  EXPECT_EQ(answer.fields["x-answer"], "yes");
  EXPECT_EQ(answer.fields["content-length"], "5");
  EXPECT_FALSE(answer.fields.contains("transfer-encoding"));
  EXPECT_EQ(answer.body, "hello");
}

TEST(HttpServerHttp2, GathersABodyThatComesBitByBit) {
  Http2Site site;
  const auto id = site.request("POST", "/", false);
  site.h2.write(id, "early ");
  HttpExchange& exchange = site.next();
  EXPECT_EQ(exchange.body_size(), std::nullopt);
  BodyBuffer buffer;
  std::string got;
  exchange.gather_body(buffer, [&](auto whole) { got = *whole; });
  site.h2.write(id, std::string(3'000'000, 'x'), true);
  ASSERT_TRUE(site.run([&] { return !got.empty(); }));
  EXPECT_EQ(got.size(), 3'000'006U);
  EXPECT_TRUE(got.starts_with("early x"));
}

TEST(HttpServerHttp2, ManyRequestsShareAConnection) {
  Http2Site site;
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(site.request("GET", "/" + std::to_string(i), true));
  ASSERT_TRUE(site.run([&] { return site.waiting.size() == 20; }));
  EXPECT_EQ(site.waiting[7]->head().target, "/7");
  for (auto& exchange : site.waiting) exchange->start({});
  for (auto& exchange : site.waiting) exchange->write("x");
  for (auto& exchange : site.waiting) exchange->finish();
  for (const auto id : ids) {
    site.ended(id);
  }
}

TEST(HttpServerHttp2, HoldsAWriterBackWhoseReaderIsSlow) {
  Http2Site site;
  const auto id = site.request("GET", "/", true);
  HttpExchange& exchange = site.next();
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
  ASSERT_TRUE(site.run([&] { return ready; }));
  exchange.finish();
  EXPECT_EQ(site.ended(id).body.size(), written);
}

TEST(HttpServerHttp2, RefusesInWordsOfItsOwn) {
  HttpServerOptions options = with_http2();
  options.body_bytes = 10'000;
  ByteBudget memory(1'000);
  options.memory = &memory;
  Http2Site site(options);
  const auto declared = site.request("POST", "/", false, {{"content-length", "10001"}});
  EXPECT_EQ(site.ended(declared).fields[":status"], "413");
  EXPECT_EQ(site.h2.answer(declared).body, "{413 the body is too large}");
  const auto heavy = site.request("POST", "/", false);
  BodyBuffer buffer;
  Code code = Code::internal;
  site.next().gather_body(buffer, [&](auto got) { code = got.error().code; });
  site.h2.write(heavy, std::string(2'000, 'x'));
  EXPECT_EQ(site.ended(heavy).fields[":status"], "503");
  EXPECT_EQ(site.h2.answer(heavy).fields["retry-after"], "1");
  EXPECT_EQ(code, Code::unavailable);
  site.current.reset();
  EXPECT_EQ(memory.used(), 0U);
}

TEST(HttpServerHttp2, AnswersHeadWithoutABody) {
  Http2Site site;
  const auto id = site.request("HEAD", "/", true);
  site.next().respond(200, "hello");
  EXPECT_EQ(site.ended(id).fields["content-length"], "6");
  EXPECT_EQ(site.h2.answer(id).body, "");
}

TEST(HttpServerHttp2, SaysOfAnAnswerThatHasNoBodyNoLengthOfOne) {
  Http2Site site;
  for (const int status : {204, 304}) {
    const auto id = site.request("GET", "/", true);
    ResponseHead head{.status = status};
    head.fields.add("Content-Length", "2");
    HttpExchange& exchange = site.next();
    exchange.start(head);
    exchange.finish();
    EXPECT_EQ(site.ended(id).fields[":status"], std::to_string(status));
    EXPECT_EQ(site.h2.answer(id).fields.contains("content-length"), status == 304);
  }
}

TEST(HttpServerHttp2, SaysThatABodyIsWanted) {
  Http2Site site;
  const auto id = site.request("POST", "/", false, {{"expect", "100-continue"}});
  BodyBuffer buffer;
  bool whole = false;
  site.next().gather_body(buffer, [&](auto) { whole = true; });
  ASSERT_TRUE(site.run([&] { return site.h2.answer(id).fields[":status"] == "100"; }));
  site.h2.write(id, "x", true);
  ASSERT_TRUE(site.run([&] { return whole; }));
}

TEST(HttpServerHttp2, DrainsWhenTheLastAnswerHasGone) {
  Http2Site site;
  const auto id = site.request("GET", "/", true);
  HttpExchange& exchange = site.next();
  bool drained = false;
  site.server.drain([&] { drained = true; });
  ASSERT_TRUE(site.run([&] { return site.h2.goaways() >= 1; }));
  EXPECT_FALSE(drained);
  exchange.respond(200, "last");
  ASSERT_TRUE(site.run([&] { return site.h2.answer(id).ended && drained; }));
}

TEST(HttpServerHttp2, IsNotSpokenUnlessAskedFor) {
  Http2Site site(HttpServerOptions{});
  site.request("GET", "/", true);
  ASSERT_TRUE(site.run([&] { return site.link.closed || site.h2.failed(); }));
}

}  // namespace
}  // namespace pointsman
