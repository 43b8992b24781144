// Clients that misbehave, leave or stand still, and servers that end.

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "pointsman/wire/http_server.h"
#include "pointsman/wire/testing/http_site.h"

namespace pointsman {
namespace {

using std::chrono::milliseconds;
using testing::Client;
using testing::ExchangePtr;
using testing::kGet;
using testing::post;
using testing::Site;

TEST(HttpServer, RefusesMalformedRequestsAndCloses) {
  RefusalCounts refusals;
  Site site({.refusals = &refusals});
  for (const auto* text : {"nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: "
                           "chunked\r\n\r\n"}) {
    Client client(site);
    client.send(text);
    EXPECT_TRUE(client.until_closed().starts_with("HTTP/1.1 400 Bad Request\r\n")) << text;
    EXPECT_FALSE(client.reset);
  }
  EXPECT_EQ(refusals.of(Refusal::http1_malformed), 4U);
  EXPECT_TRUE(site.waiting.empty());
}

TEST(HttpServer, LimitsTheHead) {
  RefusalCounts refusals;
  Site site({.refusals = &refusals});
  Client client(site);
  client.send("GET / HTTP/1.1\r\nX: " + std::string(70'000, 'x'));
  EXPECT_TRUE(client.until_closed().starts_with("HTTP/1.1 431 "));
  Client many(site);
  std::string fields;
  for (int i = 0; i < 300; ++i) fields += "X: y\r\n";
  many.send("GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
  EXPECT_TRUE(many.until_closed().starts_with("HTTP/1.1 431 "));
  EXPECT_EQ(refusals.of(Refusal::http1_head_size), 2U);
}

TEST(HttpServer, MakesRoomForABodyAsItComes) {
  Site site;
  Client liar(site);
  liar.send(post(64UL << 20U) + "x");
  BodyBuffer little;
  site.next().gather_body(little, [](auto) {});
  EXPECT_TRUE(site.loop.run_until([&] { return little.size() == 1; }));
  EXPECT_LE(little.capacity(), BodyBuffer::kFirst);
  Client whole(site);
  const std::string body(3'000'000, 'x');
  whole.send(post(body.size()) + body);
  BodyBuffer buffer;
  std::string got;
  site.next().gather_body(buffer, [&](auto all) { got = *all; });
  EXPECT_TRUE(site.loop.run_until([&] { return !got.empty(); }));
  EXPECT_EQ(got, body);
  EXPECT_EQ(buffer.capacity(), body.size()) << "no more than was said";
}

TEST(HttpServer, GivesUpOnSlowHeadsBodiesAndIdleConnections) {
  RefusalCounts refusals;
  Site site({.idle = milliseconds(30),
             .head_time = milliseconds(30),
             .body_pause = milliseconds(30),
             .refusals = &refusals});
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
  EXPECT_EQ(refusals.of(Refusal::http1_timeout), 2U);  // an idle connection is no fault
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

TEST(HttpServer, ReportsAClientThatLeavesWithMoreThanIsReadAhead) {
  Site site;
  std::string many;
  while (many.size() < 150'000) many += kGet;  // the kernel holds what is not read
  for (const bool reset : {false, true}) {
    Client client(site);
    client.send(many);
    bool gone = false;
    HttpExchange& exchange = site.next();
    exchange.when_gone([&] { gone = true; });
    EXPECT_TRUE(site.loop.run_until([&] { return client.unsent.empty(); }));
    site.loop.run_until([&] { return false; }, milliseconds(20));
    EXPECT_FALSE(gone);
    client.stream->close(reset);
    EXPECT_TRUE(site.loop.run_until([&] { return gone; })) << reset;
  }
  Client patient(site);
  patient.send(many);
  for (std::size_t i = 0; i < many.size() / kGet.size(); ++i) site.next().respond(200, "x");
  EXPECT_TRUE(site.loop.run_until([&] { return patient.unsent.empty(); }));
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
