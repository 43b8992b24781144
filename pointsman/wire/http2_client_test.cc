#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "pointsman/wire/http_client.h"
#include "pointsman/wire/http_server.h"
#include "pointsman/wire/testing/http2_client_rig.h"

namespace pointsman {
namespace {

using testing::Sink;
using Rig = testing::Http2ClientRig;

TEST(Http2Client, SendsHeadAndBodyAndReadsTheAnswer) {
  Rig f;
  RequestHead head{.method = "POST", .target = "/v1/chat?x=1"};
  for (const auto& [name, value] :
       {std::pair("X-Own", "1"), std::pair("Content-Length", "999"), std::pair("Host", "a.test"),
        std::pair("Connection", "close"), std::pair("TE", "gzip")}) {
    head.fields.add(name, value);
  }
  const std::array<std::string_view, 3> body{"{\"a\":", "", "1}"};
  auto& one = f.call(head, body);
  EXPECT_TRUE(one.call.active());
  auto& request = f.peer.request();
  EXPECT_EQ(request.body, "{\"a\":1}");
  const std::map<std::string, std::string> fields{
      {":method", "POST"},       {":scheme", "http"}, {":authority", "a.test"},
      {":path", "/v1/chat?x=1"}, {"x-own", "1"},      {"content-length", "7"}};
  EXPECT_EQ(request.fields, fields);
  f.peer.answer(request, "hello", "201");
  f.finish(one);
  EXPECT_EQ(one.sink.status, 201);
  EXPECT_EQ(one.sink.fields.find("x-a"), "b");
  EXPECT_EQ(one.sink.body, "hello");
  EXPECT_EQ(one.sink.ends, 1);
  EXPECT_FALSE(one.call.active());
}

TEST(Http2Client, NamesTheServerByItsAddressWhenNothingElseDoes) {
  Rig f;
  f.call({.method = "GET", .target = "/"});
  EXPECT_EQ(f.peer.request().fields[":authority"], f.peer.target().address.text());
  EXPECT_FALSE(f.peer.request().fields.contains("content-length"));
}

TEST(Http2Client, CarriesManyCallsAtATimeOnOneConnection) {
  Rig f;
  for (int i = 0; i < 50; ++i) f.call({.target = "/" + std::to_string(i)});
  for (std::size_t i = 50; i-- > 0;) {
    f.peer.answer(f.peer.request(i), f.peer.request(i).fields[":path"]);
  }
  for (std::size_t i = 0; i < 50; ++i) {
    f.finish(f.calls[i]);
    EXPECT_EQ(f.calls[i].sink.body, "/" + std::to_string(i));
  }
  EXPECT_EQ(f.client->connected(), 1U);
  EXPECT_EQ(f.peer.links.size(), 1U);
}

TEST(Http2Client, OpensAnotherConnectionWhenThePeerAllowsNoMoreStreams) {
  Rig f({.streams = 2});
  for (int i = 0; i < 5; ++i) f.call();
  EXPECT_TRUE(f.until([&] { return f.peer.requests.size() == 5; }));
  EXPECT_EQ(f.client->connected(), 3U);
  for (auto& request : f.peer.requests) f.peer.answer(request, "x");
  for (auto& one : f.calls) {
    f.finish(one);
    EXPECT_EQ(one.sink.body, "x");
  }
  f.peer.answer((f.call(), f.peer.request(5)), "x");
  f.finish(f.calls[5]);
  EXPECT_EQ(f.client->connected(), 3U) << "those that are there are used again";
}

TEST(Http2Client, KeepsToALimitThatThePeerLowersAndToItsOwn) {
  Rig f({.streams = 1000}, {.streams = 3});
  for (int i = 0; i < 4; ++i) f.call();
  EXPECT_TRUE(f.until([&] { return f.peer.requests.size() == 4; }));
  EXPECT_EQ(f.client->connected(), 2U);
  for (auto& link : f.peer.links) f.peer.allow(link, 1);
  for (const std::size_t answered : {0UL, 3UL}) {  // the last one is alone on its connection
    f.peer.answer(f.peer.request(answered), "x");
    f.finish(f.calls[answered]);
  }
  f.call();
  f.call();
  EXPECT_TRUE(f.until([&] { return f.peer.requests.size() == 6; }));
  EXPECT_EQ(f.client->connected(), 3U);
}

TEST(Http2Client, MayStartTheNextCallWhenOneEnds) {
  Rig f;
  int rounds = 0;
  auto& one = f.call();
  one.sink.at_end = [&] {
    if (++rounds < 3) f.client->start(one.call, f.peer.target(), {}, {}, one.sink);
  };
  for (std::size_t i = 0; i < 3; ++i) f.peer.answer(f.peer.request(i), "x");
  EXPECT_TRUE(f.until([&] { return rounds == 3; }));
  EXPECT_EQ(one.sink.body, "xxx");
  EXPECT_EQ(f.client->connected(), 1U);
}

TEST(Http2Client, ReadsAnswersWithoutABodyAndPassesOverInterimOnes) {
  Rig f;
  auto& one = f.call({.method = "HEAD"});
  auto& request = f.peer.request();
  f.peer.interim(request, "100");
  f.peer.interim(request, "103");
  f.peer.head(request, {{":status", "200"}, {"content-length", "100"}}, true);
  f.finish(one);
  EXPECT_EQ(one.sink.status, 200);
  EXPECT_EQ(one.sink.ends, 1);
  EXPECT_EQ(one.sink.fields.find("content-length"), "100");
}

TEST(Http2Client, SendsALargeBodyAsThePeerTakesIt) {
  Rig f;
  const std::string large(8'000'000, 'x');
  const std::array<std::string_view, 2> parts{large, "end"};
  auto& one = f.call({.method = "POST"}, parts);
  auto& request = f.peer.request();
  EXPECT_EQ(request.body, large + "end");
  f.peer.answer(request, "x");
  f.finish(one);
  EXPECT_EQ(one.sink.ends, 1);
}

TEST(Http2Client, StopsABodyThatThePeerAnswersWithoutHearingItOut) {
  Rig f;
  auto body = std::make_unique<std::string>(8'000'000, 'x');
  const std::string_view part = *body;
  auto& one = f.call({.method = "POST"}, std::span(&part, 1));
  EXPECT_TRUE(f.until([&] { return !f.peer.requests.empty(); }));
  f.peer.answer(f.peer.requests[0], "too large", "413");
  f.finish(one);
  body.reset();  // is not looked at any more
  EXPECT_EQ(one.sink.status, 413);
  EXPECT_TRUE(f.until([&] { return f.peer.requests[0].closed >= 0; }));
  f.peer.answer((f.call(), f.peer.request(1)), "x");
  f.finish(f.calls[1]);
  EXPECT_EQ(f.client->connected(), 1U);
}

// -- Holding the peer back.

TEST(Http2Client, ACallThatPausesHoldsThePeerBackAndNoOtherCall) {
  Rig f;
  auto& slow = f.call();
  slow.sink.at_body = [&] { slow.call.pause(); };
  auto& first = f.peer.request();
  const std::string large(4'000'000, 'x');
  f.peer.head(first, {{":status", "200"}});
  f.peer.body(first, large, true);
  EXPECT_TRUE(f.until([&] { return !slow.sink.body.empty(); }));
  auto& quick = f.call();
  f.peer.answer(f.peer.request(1), large);
  f.finish(quick);
  EXPECT_EQ(quick.sink.body.size(), large.size());
  EXPECT_LT(slow.sink.body.size(), 100'000U);
  EXPECT_GT(f.peer.requests[0].to_send.size(), large.size() - 1'000'000) << "the peer is held back";
  slow.sink.at_body = nullptr;
  slow.call.resume();
  f.finish(slow);
  EXPECT_EQ(slow.sink.body.size(), large.size());
  EXPECT_EQ(slow.sink.ends, 1);
}

TEST(Http2Client, AnAnswerThatCameWholeWaitsForACallThatPauses) {
  Rig f;
  auto& one = f.call();
  one.sink.at_head = [&] { one.call.pause(); };
  f.peer.answer(f.peer.request(), "hello");
  EXPECT_TRUE(f.until([&] { return one.sink.status == 200; }));
  f.peer.links[0].stream->close();
  f.call();  // fails, or goes to a new connection: either way the loop has gone round
  EXPECT_TRUE(f.until([&] { return f.calls[1].sink.over() || f.peer.links.size() > 1; }));
  EXPECT_EQ(one.sink.body, "");
  EXPECT_FALSE(one.sink.failed);
  one.call.resume();
  f.finish(one);
  EXPECT_EQ(one.sink.body, "hello");
  EXPECT_EQ(one.sink.ends, 1);
}

TEST(Http2Client, SpeaksWithOurOwnServer) {
  Loop loop;
  HttpServerOptions options;
  options.http2 = true;
  HttpServer server(loop, options, [](std::unique_ptr<HttpExchange> exchange) {
    auto* const raw = exchange.get();
    auto body = std::make_unique<BodyBuffer>();
    BodyBuffer& into = *body;
    raw->gather_body(into, [exchange = std::move(exchange),
                            body = std::move(body)](const Result<std::string_view>& whole) {
      ASSERT_TRUE(whole.has_value());
      ResponseHead head;
      head.fields.add("x-path", exchange->head().target);
      exchange->respond(head, *whole);
    });
  });
  auto listener = *Listener::open(loop, *Address::parse("127.0.0.1:0"), {},
                                  {{loop, [&](auto stream) { server.serve(std::move(stream)); }}});
  HttpClient client(loop, {});
  std::deque<Rig::One> calls;
  const std::string large(3'000'000, 'x');
  const std::string_view body = large;
  for (int i = 0; i < 20; ++i) {
    Rig::One& one = calls.emplace_back();
    client.start(one.call, {.address = listener->address(), .http2 = true},
                 {.method = "POST", .target = "/" + std::to_string(i)}, std::span(&body, 1),
                 one.sink);
  }
  int i = 0;
  for (auto& one : calls) {
    EXPECT_TRUE(loop.run_until([&] { return one.sink.over(); }));
    EXPECT_EQ(one.sink.body.size(), large.size());
    EXPECT_EQ(one.sink.fields.find("x-path"), "/" + std::to_string(i++));
  }
  EXPECT_EQ(client.connected(), 1U);
  EXPECT_EQ(server.connections(), 1U);
}

}  // namespace
}  // namespace pointsman
