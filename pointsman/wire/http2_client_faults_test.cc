#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "pointsman/wire/http_client.h"
#include "pointsman/wire/testing/http2_client_rig.h"

namespace pointsman {
namespace {

using std::chrono::milliseconds;
using testing::Http2Peer;
using testing::Sink;
using Rig = testing::Http2ClientRig;
using Why = HttpFailure::Phase;

// -- Failures: what may be tried again.

TEST(Http2ClientFaults, TellsThatNothingWasSent) {
  Loop loop;
  HttpTarget target;
  {
    const Http2Peer gone(loop, {});
    target = gone.target();
  }
  testing::expect_refused(loop, target);
}

TEST(Http2ClientFaults, APeerThatSpeaksHttp1HasNotSeenARequest) {
  Loop loop;
  testing::Peer peer(loop);
  HttpClient client(loop, {});
  HttpTarget target = peer.target();
  target.http2 = true;
  Sink sink;
  HttpCall call;
  client.start(call, target, {.target = "/secret"}, {}, sink);
  EXPECT_TRUE(loop.run_until([&] { return peer.heard.starts_with("PRI * HTTP/2.0"); }));
  EXPECT_FALSE(peer.heard.contains("secret"));
  peer.say("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_TRUE(loop.run_until([&] { return sink.failed; }));
  EXPECT_EQ(sink.failure.phase, Why::connecting);
  EXPECT_EQ(sink.failure.error.message, target.address.text() + " speaks HTTP/1.1, not HTTP/2");
}

TEST(Http2ClientFaults, APeerThatDoesNotGreetIsGivenUp) {
  Rig f({.silent = true}, {.connect = milliseconds(30)});
  auto& one = f.call();
  f.finish(one);
  EXPECT_EQ(one.sink.failure.phase, Why::connecting);
  EXPECT_EQ(one.sink.failure.error.code, Code::timeout);
}

TEST(Http2ClientFaults, ARefusedStreamHasNotBeenWorkedOn) {
  Rig f;
  auto& one = f.call();
  f.peer.reset(f.peer.request(), NGHTTP2_REFUSED_STREAM);
  f.finish(one);
  EXPECT_EQ(one.sink.failure.phase, Why::refused);
  auto& two = f.call();
  f.peer.reset(f.peer.request(1), NGHTTP2_INTERNAL_ERROR);
  f.finish(two);
  EXPECT_EQ(two.sink.failure.phase, Why::waiting);
  auto& three = f.call();
  f.peer.head(f.peer.request(2), {{":status", "200"}});
  EXPECT_TRUE(f.until([&] { return three.sink.status == 200; }));
  f.peer.reset(f.peer.request(2), NGHTTP2_REFUSED_STREAM);
  f.finish(three);
  EXPECT_EQ(three.sink.failure.phase, Why::answering);
  EXPECT_EQ(f.client->connected(), 1U);
}

TEST(Http2ClientFaults, AnAnswerThatIsAgainstTheRulesIsTheServersFault) {
  Rig f;
  auto& one = f.call();
  f.peer.head(f.peer.request(), {{"x-a", "no status"}}, true);
  f.finish(one);
  EXPECT_EQ(one.sink.failure.phase, Why::waiting);
  EXPECT_EQ(one.sink.failure.error.code, Code::bad_gateway);
  EXPECT_TRUE(one.sink.failure.error.message.ends_with(" sent a malformed answer"));
  auto& two = f.call();
  f.peer.head(f.peer.request(1), {{":status", "200"}, {"content-length", "1"}});
  f.peer.body(f.peer.request(1), "too much", true);
  f.finish(two);
  EXPECT_EQ(two.sink.failure.phase, Why::answering);
  EXPECT_TRUE(two.sink.failure.error.message.ends_with(" sent a malformed answer"));
  auto& three = f.call();
  f.peer.reset(f.peer.request(2), NGHTTP2_PROTOCOL_ERROR);
  f.finish(three);
  EXPECT_TRUE(
      three.sink.failure.error.message.ends_with(" broke off the request (PROTOCOL_ERROR)"));
}

TEST(Http2ClientFaults, AfterGoawayOpenStreamsEndUnseenOnesFailAndNewOnesGoElsewhere) {
  Rig f;
  auto& seen = f.call();
  auto& unseen = f.call();
  auto& first = f.peer.request();
  f.peer.request(1);
  f.peer.goaway(f.peer.links[0], first.id);
  f.finish(unseen);
  EXPECT_EQ(unseen.sink.failure.phase, Why::stale);
  EXPECT_FALSE(seen.sink.over());
  auto& next = f.call();
  f.peer.answer(f.peer.request(2), "new");
  f.finish(next);
  EXPECT_EQ(f.client->connected(), 2U);
  f.peer.answer(first, "old");
  f.finish(seen);
  EXPECT_EQ(seen.sink.body, "old");
  EXPECT_TRUE(f.until([&] { return f.peer.links[0].ended; })) << "it is closed when all is said";
}

TEST(Http2ClientFaults, APeerThatGreetsAndLeavesTakesNoRequests) {
  Rig f({.streams = 0});
  auto& one = f.call();
  f.finish(one);
  EXPECT_EQ(one.sink.failure.phase, Why::connecting);
  EXPECT_EQ(f.client->connected(), 1U);
}

TEST(Http2ClientFaults, TellsAConnectionThatBreaksBeforeTheAnswerFromOneThatWasStale) {
  Rig f;
  auto& one = f.call();
  f.peer.request();
  f.peer.links[0].stream->close(true);
  f.finish(one);
  EXPECT_EQ(one.sink.failure.phase, Why::waiting) << "the first on its connection";
  auto& two = f.call();
  f.peer.answer(f.peer.request(1), "x");
  f.finish(two);
  EXPECT_TRUE(f.until([&] { return f.peer.request(1).closed >= 0; }));
  f.peer.deaf = true;
  f.loop.post([&] { f.peer.links[1].stream->close(true); });
  auto& three = f.call();
  f.finish(three);
  EXPECT_EQ(three.sink.failure.phase, Why::stale);
}

TEST(Http2ClientFaults, AnAnswerThatBreaksOffIsNoAnswer) {
  Rig f;
  auto& one = f.call();
  auto& two = f.call();
  f.peer.head(f.peer.request(), {{":status", "200"}});
  f.peer.body(f.peer.request(), "half");
  EXPECT_TRUE(f.until([&] { return one.sink.body == "half"; }));
  f.peer.links[0].stream->close();
  f.finish(one);
  f.finish(two);
  EXPECT_EQ(one.sink.failure.phase, Why::answering);
  EXPECT_EQ(two.sink.failure.phase, Why::waiting);
}

TEST(Http2ClientFaults, AMalformedAnswerIsRefused) {
  Rig f;
  auto& one = f.call();
  auto& request = f.peer.request();
  f.peer.head(request, {{":status", "200"}, {"content-length", "3"}});
  f.peer.body(request, "four", true);
  f.finish(one);
  EXPECT_EQ(one.sink.failure.phase, Why::answering);
  EXPECT_EQ(one.sink.failure.error.code, Code::bad_gateway);
  auto& two = f.call();
  f.peer.request(1);
  f.peer.raw(f.peer.links[0], std::string_view("\0\0\1\6\0\0\0\0\0x", 10));  // a ping of one byte
  f.finish(two);
  EXPECT_EQ(two.sink.failure.phase, Why::waiting);
  EXPECT_EQ(two.sink.failure.error.code, Code::bad_gateway);
}

TEST(Http2ClientFaults, AStatusThatHttpDoesNotHaveIsRefused) {
  for (const std::string status : {"600", "999", "099", "000"}) {
    Rig f;
    auto& one = f.call();
    f.peer.head(f.peer.request(), {{":status", status}}, true);
    f.finish(one);
    EXPECT_EQ(one.sink.failure.error.code, Code::bad_gateway) << status;
    EXPECT_EQ(one.sink.status, 0) << status;
  }
}

TEST(Http2ClientFaults, AHeadThatIsTooLargeIsRefused) {
  Rig f({}, {.head_bytes = 2000});
  auto& one = f.call();
  f.peer.head(f.peer.request(), {{":status", "200"}, {"x-a", std::string(3000, 'a')}});
  f.finish(one);
  EXPECT_EQ(one.sink.failure.error.code, Code::too_large);
  Rig g({}, {.fields = 4});
  auto& two = g.call();
  g.peer.head(g.peer.request(),
              {{":status", "200"}, {"a", "a"}, {"b", "a"}, {"c", "a"}, {"d", "a"}, {"e", "a"}});
  g.finish(two);
  EXPECT_EQ(two.sink.failure.error.code, Code::too_large);
}

TEST(Http2ClientFaults, InterimAnswersWithoutEndAreRefused) {
  Rig f;
  auto& one = f.call();
  auto& request = f.peer.request();
  for (int i = 0; i < 20; ++i) f.peer.interim(request, "103");
  f.finish(one);
  EXPECT_EQ(one.sink.failure.phase, Why::answering);
}

// -- Cancelling.

TEST(Http2ClientFaults, CancellingResetsTheStreamAndKeepsTheConnection) {
  Rig f;
  auto& one = f.call();
  f.peer.request();
  const auto began = Clock::now();
  one.call.cancel();
  EXPECT_FALSE(one.call.active());
  EXPECT_TRUE(f.until([&] { return f.peer.requests[0].closed >= 0; }));
  EXPECT_EQ(f.peer.requests[0].closed, NGHTTP2_CANCEL);
  EXPECT_LT(Clock::now() - began, milliseconds(100));
  f.peer.answer((f.call(), f.peer.request(1)), "x");
  f.finish(f.calls[1]);
  EXPECT_EQ(f.client->connected(), 1U);
  EXPECT_FALSE(one.sink.over());
}

TEST(Http2ClientFaults, CancelsInTheMiddleOfALargeBodyOfEitherSide) {
  Rig f;
  auto body = std::make_unique<std::string>(8'000'000, 'x');
  const std::string_view part = *body;
  auto& one = f.call({.method = "POST"}, std::span(&part, 1));
  EXPECT_TRUE(
      f.until([&] { return !f.peer.requests.empty() && !f.peer.requests[0].body.empty(); }));
  one.call.cancel();
  body.reset();
  EXPECT_TRUE(f.until([&] { return f.peer.requests[0].closed >= 0; }));
  auto& two = f.call();
  two.sink.at_body = [&] { two.call.cancel(); };
  f.peer.answer(f.peer.request(1), std::string(1'000'000, 'y'));
  EXPECT_TRUE(f.until([&] { return f.peer.request(1).closed >= 0; }));
  f.peer.answer((f.call(), f.peer.request(2)), "x");
  f.finish(f.calls[2]);
  EXPECT_EQ(f.client->connected(), 1U);
}

TEST(Http2ClientFaults, CancelsWhatHasNotBegun) {
  Rig f({.silent = true});
  auto& one = f.call();
  EXPECT_TRUE(f.until([&] { return !f.peer.links.empty(); }));
  one.call.cancel();
  EXPECT_FALSE(one.call.active());
}

TEST(Http2ClientFaults, MayBeDestroyedByItsOwnSink) {
  for (const int when : {0, 1, 2}) {
    Rig f;
    auto& one = f.call();
    auto& other = f.call();
    auto& at = when == 0 ? one.sink.at_head : when == 1 ? one.sink.at_body : one.sink.at_end;
    bool gone = false;
    at = [&] {
      f.client.reset();
      gone = true;
    };
    f.peer.request(1);
    f.peer.answer(f.peer.request(), "hello");
    EXPECT_TRUE(f.until([&] { return gone && f.peer.links[0].ended; }));
    EXPECT_FALSE(other.call.active());
    EXPECT_FALSE(other.sink.over());
  }
}

// -- Time.

TEST(Http2ClientFaults, EachPhaseHasItsTime) {
  Rig f({}, {.first_byte = milliseconds(30), .body_pause = milliseconds(30)});
  auto& one = f.call();
  auto& two = f.call();
  f.peer.head(f.peer.request(1), {{":status", "200"}});
  EXPECT_TRUE(f.until([&] { return one.sink.failed && two.sink.failed; }));
  EXPECT_EQ(one.sink.failure.phase, Why::waiting);
  EXPECT_EQ(one.sink.failure.error.code, Code::timeout);
  EXPECT_EQ(two.sink.failure.phase, Why::answering);
  EXPECT_EQ(two.sink.failure.error.code, Code::timeout);
  EXPECT_TRUE(f.until([&] { return f.peer.requests[0].closed >= 0; }));
  EXPECT_EQ(f.peer.requests[0].closed, NGHTTP2_CANCEL);
}

TEST(Http2ClientFaults, TheWholeHasItsTimeEvenWhenPaused) {
  Rig f({}, {.body_pause = milliseconds(5), .total = milliseconds(60)});
  auto& one = f.call();
  one.sink.at_head = [&] { one.call.pause(); };
  f.peer.head(f.peer.request(), {{":status", "200"}});
  f.finish(one);
  EXPECT_EQ(one.sink.failure.error.code, Code::timeout);
}

TEST(Http2ClientFaults, AConnectionThatNobodyUsesIsClosedAfterAWhile) {
  Rig f({}, {.keep = milliseconds(10)});
  auto& one = f.call();
  f.peer.answer(f.peer.request(), "x");
  f.finish(one);
  EXPECT_TRUE(f.until([&] { return f.peer.links[0].ended; }));
  EXPECT_EQ(f.peer.links[0].goaways, 1);
}

TEST(Http2ClientFaults, AQuietPeerIsAskedForASignOfLife) {
  Rig f({}, {.quiet = milliseconds(5)});
  f.call();
  f.peer.request();
  EXPECT_TRUE(f.until([&] { return f.peer.links[0].pings >= 2; }));
  f.call();
  f.peer.request(1);
  EXPECT_EQ(f.client->connected(), 1U);
}

TEST(Http2ClientFaults, APeerThatGivesNoneGetsNoMoreCallsUntilItSpeaks) {
  Rig f({.deaf_later = true}, {.quiet = milliseconds(10)});
  auto& one = f.call();
  f.peer.request();
  EXPECT_TRUE(f.until([&] { return f.peer.links[0].pings >= 1; }));
  EXPECT_TRUE(f.until([&] {
    f.call();
    return f.client->connected() > 1 || f.calls.size() > 1000;
  }));
  EXPECT_GT(f.client->connected(), 1U);
  EXPECT_FALSE(one.sink.over()) << "what it has may still be answered";
  f.peer.answer(f.peer.requests[0], "late");
  f.finish(one);
  EXPECT_EQ(one.sink.body, "late");
}

}  // namespace
}  // namespace pointsman
