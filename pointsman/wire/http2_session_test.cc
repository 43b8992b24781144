#include "pointsman/wire/http2_session.h"

#include <array>
#include <deque>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/wire/http2_stream.h"
#include "pointsman/wire/testing/http2_rig.h"

namespace pointsman {
namespace {

using testing::Acceptor;
using testing::Heard;
using testing::SessionRig;

constexpr std::array<Http2Field, 1> kOk{{{":status", "200"}}};
constexpr std::array<Http2Field, 1> kTrailers{{{"grpc-status", "0"}}};

TEST(Http2Session, CarriesARequestAndItsStreamedAnswer) {
  SessionRig rig;
  Heard& heard = rig.open();
  EXPECT_EQ(heard.path, "/a");
  heard.stream->respond(kOk);
  for (const std::string part : {"one ", "two ", "three"}) {
    rig.client.write(rig.id, part);
    ASSERT_TRUE(rig.settle());
    heard.send(part);
    ASSERT_TRUE(rig.settle());
    EXPECT_TRUE(rig.client.answer(rig.id).body.ends_with(part));
  }
  EXPECT_EQ(heard.body, "one two three");
  EXPECT_FALSE(heard.ended);
  rig.client.write(rig.id, "", true);
  ASSERT_TRUE(rig.settle());
  EXPECT_TRUE(heard.ended);
  heard.stream->finish(kTrailers);
  ASSERT_TRUE(rig.settle());

  const Http2Client::Answer& answer = rig.client.answer(rig.id);
  EXPECT_EQ(answer.body, "one two three");
  EXPECT_EQ(answer.fields.at(":status"), "200");
  EXPECT_EQ(answer.fields.at("grpc-status"), "0");
  EXPECT_EQ(answer.blocks, 2);
  EXPECT_EQ(answer.closed, NGHTTP2_NO_ERROR);
  EXPECT_TRUE(heard.gone);
  EXPECT_TRUE(heard.complete);
  EXPECT_EQ(rig.server.open_streams(), 0U);
}

TEST(Http2Session, AnswersWithHeadersAlone) {
  SessionRig rig;
  const Heard& heard = rig.open();
  heard.stream->respond(kOk, true);
  ASSERT_TRUE(rig.settle());
  EXPECT_TRUE(rig.client.answer(rig.id).ended);
  EXPECT_EQ(rig.client.answer(rig.id).blocks, 1);
  // The request was still open: the server ends it without an error.
  EXPECT_EQ(rig.client.answer(rig.id).closed, NGHTTP2_NO_ERROR);
  EXPECT_TRUE(heard.complete);
}

TEST(Http2Session, EndsWithoutTrailersAndWithoutBytes) {
  SessionRig rig;
  const Heard& heard = rig.open();
  heard.stream->respond(kOk);
  heard.stream->finish({});
  ASSERT_TRUE(rig.settle());
  EXPECT_TRUE(rig.client.answer(rig.id).ended);
  EXPECT_TRUE(heard.complete);
}

TEST(Http2Session, TellsOfOutputOnceAndOnlyOutsideFeed) {
  SessionRig rig;
  const Heard& heard = rig.open();
  EXPECT_EQ(rig.acceptor.ready, 0);
  heard.stream->respond(kOk);
  heard.send("a");
  heard.send("b");
  EXPECT_EQ(rig.acceptor.ready, 1);
  const std::string_view out = rig.server.output();
  EXPECT_FALSE(out.empty());
  rig.server.sent(out.size());
  heard.send("c");
  EXPECT_EQ(rig.acceptor.ready, 2);
}

TEST(Http2Session, GathersAPassIntoOneOutput) {
  SessionRig rig;
  for (int i = 0; i < 64; ++i) rig.client.post("/a");
  ASSERT_TRUE(rig.settle());
  for (const Heard& heard : rig.acceptor.all) {
    heard.stream->respond(kOk);
    heard.send(std::string(1024, 'x'));
  }
  const std::string_view out = rig.server.output();
  EXPECT_GT(out.size(), 64U * 1024U);
  rig.server.sent(out.size());
  EXPECT_TRUE(rig.server.output().empty());
}

TEST(Http2Session, KeepsOutputStillWhileItIsBeingSent) {
  SessionRig rig;
  const Heard& heard = rig.open();
  heard.stream->respond(kOk);
  heard.send("first");
  const std::string_view out = rig.server.output();
  const std::string copy(out);
  heard.send(std::string(100'000, 'y'));
  EXPECT_EQ(rig.server.output().data(), out.data());
  EXPECT_EQ(rig.server.output(), copy);
}

TEST(Http2Session, NeverFramesFarAheadOfTheSocket) {
  SessionRig rig({.output_batch = 50'000});
  const Heard& heard = rig.open();
  heard.stream->respond(kOk);
  heard.send(std::string(60'000, 'y'));
  std::size_t total = 0;
  for (std::string_view out = rig.server.output(); !out.empty(); out = rig.server.output()) {
    EXPECT_LE(out.size(), 50'000U + 16'384U + 100U);
    total += out.size();
    rig.client.feed(out);
    rig.server.sent(out.size());
  }
  EXPECT_GT(total, 60'000U);
  EXPECT_EQ(rig.client.answer(rig.id).body.size(), 60'000U);
}

TEST(Http2Session, CarriesAMegabyteBothWays) {
  SessionRig rig;
  Heard& heard = rig.open();
  const std::string big(3'000'000, 'z');
  rig.client.write(rig.id, big, true);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(heard.body, big);
  heard.stream->respond(kOk);
  heard.send(big);
  heard.stream->finish(kTrailers);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.client.answer(rig.id).body, big);
  EXPECT_TRUE(heard.complete);
}

TEST(Http2Session, StopsThePeerAtTheWindowUntilBytesAreCredited) {
  SessionRig rig({.stream_window = 100'000});
  rig.acceptor.hold = true;
  Heard& heard = rig.open();
  rig.client.write(rig.id, std::string(250'000, 'q'), true);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(heard.body.size(), 100'000U);
  heard.stream->credit(100'000);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(heard.body.size(), 200'000U);
  heard.stream->credit(100'000);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(heard.body.size(), 250'000U);
  EXPECT_TRUE(heard.ended);
}

TEST(Http2Session, WithholdsCreditFromAPeerThatDoesNotRead) {
  SessionRig rig({.stream_window = 100'000, .stream_backlog = 10'000}, /*client_reads=*/false);
  Heard& heard = rig.open();
  heard.stream->respond(kOk);
  heard.send(std::string(200'000, 'a'));  // more than the client's 64 KiB window
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(heard.stream->queued(), 200'000U - 65'535U);

  rig.client.write(rig.id, std::string(250'000, 'q'));
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(heard.body.size(), 100'000U);

  for (int i = 0; i < 10; ++i) {  // the client reads on
    rig.client.consume(rig.id,
                       std::min<std::size_t>(50'000, rig.client.answer(rig.id).body.size()));
    rig.client.answer(rig.id).body.clear();
    ASSERT_TRUE(rig.settle());
  }
  EXPECT_EQ(heard.stream->queued(), 0U);
  EXPECT_EQ(heard.body.size(), 250'000U);
}

TEST(Http2Session, GivesTheConnectionBackWhatADeadStreamHeld) {
  SessionRig rig({.stream_window = 100'000, .connection_window = 150'000});
  rig.acceptor.hold = true;
  for (int i = 0; i < 5; ++i) {
    const Heard& heard = rig.open();
    rig.client.write(rig.id, std::string(100'000, 'q'));
    ASSERT_TRUE(rig.settle());
    ASSERT_EQ(heard.body.size(), 100'000U) << i;
    rig.client.reset(rig.id);
    ASSERT_TRUE(rig.settle());
    ASSERT_TRUE(heard.gone);
  }
}

TEST(Http2Session, SaysWhenThePeerResetAStream) {
  SessionRig rig;
  const Heard& heard = rig.open();
  heard.stream->respond(kOk);
  rig.client.reset(rig.id);
  ASSERT_TRUE(rig.settle());
  EXPECT_TRUE(heard.gone);
  EXPECT_FALSE(heard.complete);
}

TEST(Http2Session, ResetsAStream) {
  SessionRig rig;
  const Heard& heard = rig.open();
  heard.stream->respond(kOk);
  heard.send("lost");
  heard.stream->reset(Http2Error::internal_error);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.client.answer(rig.id).closed, NGHTTP2_INTERNAL_ERROR);
  EXPECT_TRUE(heard.gone);
  EXPECT_FALSE(heard.complete);
}

TEST(Http2Session, ClosesEveryStreamWhenItDies) {
  BytePool pool;
  Acceptor acceptor;
  Http2Client client;
  {
    Http2Session server({}, acceptor, pool);
    client.post("/a");
    client.post("/b");
    ASSERT_TRUE(client.settle(server, Clock::time_point{}));
    acceptor.all.front().stream->respond(kOk);
  }
  ASSERT_EQ(acceptor.all.size(), 2U);
  for (const Heard& heard : acceptor.all) {
    EXPECT_TRUE(heard.gone);
    EXPECT_FALSE(heard.complete);
  }
}

TEST(Http2Session, DrainsInTwoSteps) {
  SessionRig rig;
  const Heard& heard = rig.open();
  rig.server.drain();
  EXPECT_EQ(rig.acceptor.ready, 1);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.client.goaways(), 2);
  EXPECT_EQ(rig.client.goaway_code(), NGHTTP2_NO_ERROR);
  EXPECT_FALSE(rig.server.done());
  heard.stream->respond(kOk);
  heard.send("still answered");
  heard.stream->finish(kTrailers);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.client.answer(rig.id).body, "still answered");
  EXPECT_TRUE(rig.server.done());
}

TEST(Http2Session, SaysNothingBeforeThePeerDoes) {
  const SessionRig rig;
  Http2Session& server = const_cast<SessionRig&>(rig).server;
  EXPECT_TRUE(server.output().empty());
}

TEST(Http2Session, AnswersAnHttp1ClientInItsOwnTongue) {
  SessionRig rig;
  EXPECT_FALSE(rig.server.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n", rig.now).has_value());
  const std::string reply(rig.server.output());
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 400 "));
  const std::string body = reply.substr(reply.find("\r\n\r\n") + 4);
  EXPECT_NE(reply.find("content-length: " + std::to_string(body.size()) + "\r\n"),
            std::string::npos);
  rig.server.sent(reply.size());
  EXPECT_TRUE(rig.server.done());
}

TEST(Http2Session, GivesUpOnNoise) {
  SessionRig rig;
  EXPECT_FALSE(rig.server.feed("\x16\x03\x01 not a preface", rig.now).has_value());
  EXPECT_TRUE(rig.server.output().empty());
  EXPECT_TRUE(rig.server.done());
  EXPECT_FALSE(rig.server.feed("more", rig.now).has_value());
}

TEST(Http2Session, TakesItsInputInAnyPieces) {
  BytePool pool;
  Acceptor acceptor;
  Http2Session server({}, acceptor, pool);
  Http2Client client;
  const std::int32_t id = client.post("/a");
  client.write(id, "hello", true);
  for (const char byte : client.output()) {
    ASSERT_TRUE(server.feed({&byte, 1}, Clock::time_point{}).has_value());
  }
  ASSERT_TRUE(client.settle(server, Clock::time_point{}));
  ASSERT_EQ(acceptor.all.size(), 1U);
  EXPECT_EQ(acceptor.all.front().body, "hello");
  EXPECT_TRUE(acceptor.all.front().ended);
}

}  // namespace
}  // namespace pointsman
