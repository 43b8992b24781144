// Peers that flood, exceed limits or break the order of streams.

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/wire/http2_stream.h"
#include "pointsman/wire/testing/http2_rig.h"

namespace pointsman {
namespace {

using testing::Heard;
using testing::SessionRig;

constexpr std::array<Http2Field, 1> kOk{{{":status", "200"}}};

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
  rig.client.feed(rig.server.output());
  EXPECT_EQ(rig.client.goaway_code(), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_EQ(refusals.of(Refusal::http2_flood), 1U);
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

TEST(Http2Session, CutsOffRequestsThatAreResetBeforeTheirAnswerCouldLeave) {
  RefusalCounts refusals;
  SessionRig rig({.idle_frames_burst = 100, .idle_frames_per_second = 10, .refusals = &refusals});
  rig.open();
  bool good = true;
  for (int i = 0; i < 300 && good; ++i) {
    const auto id = static_cast<std::uint8_t>(2 * i + 3);
    if (id < 3) break;  // of one byte, for a frame as simple as this one
    good = rig.server.feed(bare_frame(1, 4, id, kIndexedHead), rig.now).has_value();
    rig.acceptor.all.back().stream->respond(kOk, true);
    good = good && rig.server.feed(bare_frame(3, 0, id, {"\0\0\0\10", 4}), rig.now).has_value();
  }
  EXPECT_FALSE(good);
  rig.client.feed(rig.server.output());
  EXPECT_EQ(refusals.of(Refusal::http2_flood), 1U);
}

TEST(Http2Session, CutsOffRequestsThatAreResetAfterAnInterimAnswer) {
  SessionRig rig({.idle_frames_burst = 100, .idle_frames_per_second = 10});
  bool good = true;
  for (int i = 0; i < 200 && good; ++i) {
    rig.client.post("/a");
    good = rig.settle();
    if (!good) break;
    rig.acceptor.all.back().stream->inform("100");
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

}  // namespace
}  // namespace pointsman
