#include "pointsman/wire/http2_session.h"

#include <array>
#include <deque>
#include <string>
#include <utility>

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

// A frame as clients send it that do not go by the rules.
std::string bare_frame(std::uint8_t type, std::uint8_t flags, std::uint8_t stream,
                       std::string_view payload) {
  std::string frame{'\0',
                    '\0',
                    static_cast<char>(payload.size()),
                    static_cast<char>(type),
                    static_cast<char>(flags),
                    '\0',
                    '\0',
                    '\0',
                    static_cast<char>(stream)};
  return frame.append(payload);
}

// POST https / in HPACK's static table, and authority "a".
constexpr std::string_view kIndexedHead =
    "\x83\x87\x84\x41\x01"
    "a";

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

TEST(Http2Session, AdvertisesItsLimitsAndRefusesStreamsOverThem) {
  SessionRig rig({.max_concurrent_streams = 2});
  rig.open();
  EXPECT_EQ(rig.client.setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS), 2U);
  EXPECT_EQ(rig.client.setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE), 1U << 20U);
  rig.open();
  rig.client.post("/third");  // nghttp2's client holds it back by itself
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.acceptor.all.size(), 2U);
  rig.acceptor.all.front().stream->respond(kOk, true);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.acceptor.all.size(), 3U);
}

TEST(Http2Session, RefusesHeadersOverTheLimit) {
  SessionRig rig({.max_header_bytes = 1000});
  const std::int32_t id = rig.client.request({{":method", "POST"},
                                              {":scheme", "http"},
                                              {":authority", "test"},
                                              {":path", "/a"},
                                              {"x-large", std::string(2000, 'v')}});
  ASSERT_TRUE(rig.settle());
  EXPECT_TRUE(rig.acceptor.all.empty());
  EXPECT_EQ(rig.client.answer(id).fields.at(":status"), "431");
  rig.open();  // and nothing else is disturbed
  EXPECT_EQ(rig.acceptor.all.size(), 1U);
}

// A block of fields without end: nothing is kept of it, and its frames are counted.
TEST(Http2Session, CutsOffAHeaderBlockThatDoesNotEnd) {
  RefusalCounts refusals;
  SessionRig rig({.refusals = &refusals});
  rig.open();
  bool good = rig.server.feed(bare_frame(1, 0, 3, kIndexedHead), rig.now).has_value();
  int frames = 0;
  while (good && !rig.server.done() && frames < 10'000) {
    good = rig.server.feed(bare_frame(9, 0, 3, ""), rig.now).has_value();
    const std::string_view out = rig.server.output();
    rig.client.feed(out);
    rig.server.sent(out.size());
    ++frames;
  }
  EXPECT_LT(frames, 5000);
  EXPECT_EQ(rig.acceptor.all.size(), 1U);
}

// One byte can stand for a field of kilobytes: a frame of 100 kB for 400 MB.
TEST(Http2Session, CutsOffABlockOfReferencesToOneLargeField) {
  RefusalCounts refusals;
  SessionRig rig({.refusals = &refusals});
  rig.open();
  std::string block(kIndexedHead);
  block += "\x40\x01x\x7f\xa1\x1e" + std::string(4000, 'v');
  block += std::string(100'000, '\xbe');  // the newest field of the table, again and again
  std::string frame = bare_frame(1, 5, 3, "");
  for (std::size_t i = 0; i < 3; ++i) {
    frame[i] = static_cast<char>(block.size() >> (8U * (2U - i)));
  }
  EXPECT_FALSE(rig.server.feed(frame + block, rig.now).has_value());
  rig.client.feed(rig.server.output());
  EXPECT_EQ(rig.client.goaway_code(), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_EQ(rig.acceptor.all.size(), 1U);
  EXPECT_EQ(refusals.of(Refusal::http2_flood), 1U);
}

TEST(Http2Session, KeepsTheTableOfFieldsAtFourKibibytes) {
  SessionRig rig;
  rig.open();
  EXPECT_EQ(rig.client.setting(NGHTTP2_SETTINGS_HEADER_TABLE_SIZE), 4096U);
  // An update of its size to 8192.
  const std::string grown = std::string("\x3f\xe1\x3f", 3) + std::string(kIndexedHead);
  ASSERT_TRUE(rig.server.feed(bare_frame(1, 5, 3, grown), rig.now).has_value());
  rig.client.feed(rig.server.output());
  EXPECT_EQ(rig.client.goaway_code(), NGHTTP2_COMPRESSION_ERROR);
  EXPECT_EQ(rig.acceptor.all.size(), 1U);
}

TEST(Http2Session, CutsOffFloodsOfEveryKindOfIdleFrame) {
  const std::string settings = bare_frame(4, 0, 0, "");
  const std::string priority = bare_frame(2, 0, 3, std::string("\0\0\0\0\1", 5));
  const std::string empty_data = bare_frame(0, 0, 1, "");
  for (const std::string& frame : {settings, priority, empty_data}) {
    RefusalCounts refusals;
    SessionRig rig({.idle_frames_burst = 100, .idle_frames_per_second = 10, .refusals = &refusals});
    rig.open();
    bool good = true;
    int frames = 0;
    for (; good && frames < 300; ++frames) {
      good = rig.server.feed(frame, rig.now).has_value();
      for (auto out = rig.server.output(); !out.empty(); out = rig.server.output()) {
        rig.server.sent(out.size());
      }
    }
    EXPECT_FALSE(good);
    EXPECT_LT(frames, 110);
    EXPECT_EQ(refusals.of(Refusal::http2_flood), 1U);
  }
}

TEST(Http2Session, CutsOffAFloodOfPings) {
  SessionRig rig({.idle_frames_burst = 100, .idle_frames_per_second = 10});
  rig.open();
  for (int i = 0; i < 90; ++i) rig.client.ping();
  EXPECT_TRUE(rig.settle());
  rig.now += std::chrono::seconds(5);  // 50 more are granted
  for (int i = 0; i < 50; ++i) rig.client.ping();
  EXPECT_TRUE(rig.settle());
  for (int i = 0; i < 50; ++i) rig.client.ping();
  EXPECT_FALSE(rig.settle());
  EXPECT_EQ(rig.client.goaway_code(), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_TRUE(rig.server.done());
}

TEST(Http2Session, CutsOffRequestsThatAreOnlyOpenedAndReset) {
  SessionRig rig({.idle_frames_burst = 100, .idle_frames_per_second = 10});
  bool good = true;
  for (int i = 0; i < 200 && good; ++i) {
    rig.client.post("/a");
    good = rig.settle();
    rig.client.reset(2 * i + 1);
    good = good && rig.settle();
  }
  EXPECT_FALSE(good);
  EXPECT_LT(rig.acceptor.all.size(), 110U);
}

TEST(Http2Session, LetsAnsweredRequestsBeResetWithoutLimit) {
  SessionRig rig({.idle_frames_burst = 100, .idle_frames_per_second = 10});
  for (int i = 0; i < 500; ++i) {
    const Heard& heard = rig.open();
    heard.stream->respond(kOk);
    ASSERT_TRUE(rig.settle());
    rig.client.reset(rig.id);
    ASSERT_TRUE(rig.settle());
  }
}

TEST(Http2Session, TakesAStreamBelowTheNewestForAnError) {
  SessionRig rig;
  rig.open();
  ASSERT_TRUE(rig.server.feed(bare_frame(1, 5, 9, kIndexedHead), rig.now).has_value());
  EXPECT_EQ(rig.acceptor.all.size(), 2U);
  EXPECT_FALSE(rig.server.feed(bare_frame(1, 5, 5, kIndexedHead), rig.now).has_value());
  EXPECT_EQ(rig.acceptor.all.size(), 2U);
  rig.client.feed(rig.server.output());
  EXPECT_EQ(rig.client.goaway_code(), NGHTTP2_PROTOCOL_ERROR);
}

TEST(Http2Session, TakesWhatComesAfterThePeersEndForAnError) {
  for (const std::uint8_t type : {std::uint8_t{0}, std::uint8_t{1}}) {
    SessionRig rig;
    rig.open();
    rig.client.reset(rig.id);
    ASSERT_TRUE(rig.settle());
    ASSERT_TRUE(rig.server.feed(bare_frame(type, 5, 1, kIndexedHead), rig.now).has_value());
    const std::string_view out = rig.server.output();
    rig.client.feed(out);
    rig.server.sent(out.size());
    EXPECT_TRUE(rig.server.done());
    EXPECT_EQ(rig.client.goaway_code(), NGHTTP2_STREAM_CLOSED);
  }
}

TEST(Http2Session, IgnoresWhatThePeerSentBeforeItSawAReset) {
  for (const bool answered : {false, true}) {
    SessionRig rig;
    const Heard& heard = rig.open();
    if (answered) {
      heard.stream->respond(kOk, true);
    } else {
      heard.stream->reset(Http2Error::cancel);
    }
    while (!rig.server.output().empty()) rig.server.sent(rig.server.output().size());
    ASSERT_TRUE(heard.gone);
    ASSERT_TRUE(rig.server.feed(bare_frame(0, 0, 1, "late"), rig.now).has_value());
    ASSERT_TRUE(rig.server.feed(bare_frame(1, 5, 1, kIndexedHead), rig.now).has_value());
    EXPECT_TRUE(rig.server.feed(bare_frame(1, 5, 3, kIndexedHead), rig.now).has_value());
    EXPECT_EQ(rig.acceptor.all.size(), 2U);
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
