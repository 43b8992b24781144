#include "pointsman/wire/grpc_connection.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/random.h"
#include "pointsman/base/testing/gzip.h"
#include "pointsman/wire/testing/http2_client.h"

namespace pointsman {
namespace {

using testing::gzipped;

std::string framed(std::string_view message, bool compressed = false) {
  const auto size = static_cast<std::uint32_t>(message.size());
  std::string out{compressed ? '\1' : '\0'};
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(size >> shift);
  return out.append(message);
}

struct Log {
  std::vector<std::string> messages;
  int ended = 0;
  int cancelled = 0;
  GrpcStatus why = GrpcStatus::ok;
  int destroyed = 0;
  GrpcCall* call = nullptr;
};

// Echoes each message, and ends the call when the peer has.
class Echo final : public GrpcReceiver {
 public:
  Echo(GrpcCall& call, Log& log) : call_(call), log_(log) { log_.call = &call; }
  ~Echo() override { ++log_.destroyed; }
  void received(std::string_view message) override {
    log_.messages.emplace_back(message);
    if (message == "stop") return call_.finish(GrpcStatus::aborted, "as asked: 100%\n");
    call_.write(message);
  }
  void half_closed() override {
    ++log_.ended;
    call_.finish(GrpcStatus::ok);
  }
  void cancelled(GrpcStatus why, std::string_view) override {
    ++log_.cancelled;
    log_.why = why;
  }

 private:
  GrpcCall& call_;
  Log& log_;
};

struct Rig {
  explicit Rig(const GrpcLimits& limits = {}) : server(routes, limits, pool, [this] { ++ready; }) {
    routes.streaming("/test/Echo",
                     [this](GrpcCall& call) { return std::make_unique<Echo>(call, log); });
    routes.unary("/test/Reverse", [](std::string_view request) {
      if (request == "bad") return GrpcReply{GrpcStatus::invalid_argument, "no", {}};
      return GrpcReply{GrpcStatus::ok, {}, std::string(request.rbegin(), request.rend())};
    });
  }
  bool settle() { return client.settle(server, now); }
  std::int32_t echo(std::string_view body, bool end = true) {
    const std::int32_t id = client.post("/test/Echo");
    client.write(id, body, end);
    EXPECT_TRUE(settle());
    return id;
  }
  std::string status(std::int32_t id) { return client.answer(id).fields["grpc-status"]; }
  std::string message(std::int32_t id) { return client.answer(id).fields["grpc-message"]; }

  GrpcRoutes routes;
  BytePool pool;
  Log log;
  int ready = 0;
  GrpcConnection server;
  Http2Client client;
  Clock::time_point now{std::chrono::seconds(1)};
};

TEST(GrpcConnection, AnswersAUnaryCall) {
  Rig rig;
  const std::int32_t id = rig.client.post("/test/Reverse");
  rig.client.write(id, framed("abc"), true);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.client.answer(id).body, framed("cba"));
  EXPECT_EQ(rig.client.answer(id).fields[":status"], "200");
  EXPECT_EQ(rig.client.answer(id).fields["content-type"], "application/grpc");
  EXPECT_EQ(rig.status(id), "0");
  EXPECT_EQ(rig.client.answer(id).closed, NGHTTP2_NO_ERROR);
}

TEST(GrpcConnection, AnswersAnErrorWithTrailersAlone) {
  Rig rig;
  const std::int32_t id = rig.client.post("/test/Reverse");
  rig.client.write(id, framed("bad"), true);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.status(id), "3");
  EXPECT_EQ(rig.message(id), "no");
  EXPECT_EQ(rig.client.answer(id).blocks, 1);
}

TEST(GrpcConnection, WantsExactlyOneMessageInAUnaryCall) {
  for (const std::string& body : {std::string(), framed("a") + framed("b")}) {
    Rig rig;
    const std::int32_t id = rig.client.post("/test/Reverse");
    rig.client.write(id, body, true);
    ASSERT_TRUE(rig.settle());
    EXPECT_EQ(rig.status(id), "13");
  }
}

TEST(GrpcConnection, StreamsBothWays) {
  Rig rig;
  const std::int32_t id = rig.echo("", false);
  for (const std::string text : {"one", "", "three"}) {
    rig.client.write(id, framed(text));
    ASSERT_TRUE(rig.settle());
  }
  EXPECT_EQ(rig.client.answer(id).body, framed("one") + framed("") + framed("three"));
  EXPECT_FALSE(rig.client.answer(id).ended);
  rig.client.write(id, "", true);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.status(id), "0");
  EXPECT_EQ(rig.log.ended, 1);
  EXPECT_EQ(rig.log.cancelled, 0);
  EXPECT_EQ(rig.log.destroyed, 1);
  EXPECT_EQ(rig.server.open_calls(), 0U);
}

TEST(GrpcConnection, PutsMessagesTogetherFromAnyPieces) {
  const std::vector<std::string> messages{"first", "", std::string(300, 'x'), "", "last"};
  std::string all;
  for (const std::string& message : messages) all += framed(message);
  for (const std::size_t piece : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 11U, 100U, 1000U}) {
    Rig rig;
    const std::int32_t id = rig.echo("", false);
    for (std::size_t at = 0; at < all.size(); at += piece) {
      rig.client.write(id, all.substr(at, piece));
      ASSERT_TRUE(rig.settle());
    }
    rig.client.write(id, "", true);
    ASSERT_TRUE(rig.settle());
    EXPECT_EQ(rig.log.messages, messages) << piece;
    EXPECT_EQ(rig.client.answer(id).body, all) << piece;
    EXPECT_EQ(rig.status(id), "0");
  }
}

TEST(GrpcConnection, CarriesLargeMessages) {
  Rig rig;
  const std::string large(3'500'000, 'y');
  const std::int32_t id = rig.echo(framed(large) + framed("next"));
  EXPECT_EQ(rig.client.answer(id).body, framed(large) + framed("next"));
  EXPECT_EQ(rig.status(id), "0");
}

TEST(GrpcConnection, RefusesAMessageOverTheLimit) {
  RefusalCounts refusals;
  Rig rig({.http2 = {.refusals = &refusals}, .max_receive = 1000});
  EXPECT_EQ(rig.status(rig.echo(framed(std::string(1000, 'x')))), "0");
  const std::int32_t id = rig.echo(framed(std::string(1001, 'x')));
  EXPECT_EQ(rig.status(id), "8");
  EXPECT_EQ(rig.message(id), "a message of 1001 bytes is larger than the limit of 1000");
  EXPECT_EQ(rig.log.cancelled, 1);
  EXPECT_EQ(rig.log.why, GrpcStatus::resource_exhausted);
  // The length alone is enough, and pieces of it make no difference.
  const std::int32_t piecewise = rig.echo(framed(std::string(1001, 'x')).substr(0, 3), false);
  rig.client.write(piecewise, framed(std::string(1001, 'x')).substr(3, 2));
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.status(piecewise), "8");
  EXPECT_EQ(refusals.of(Refusal::grpc_message_size), 2U);
}

TEST(GrpcConnection, RefusesALastMessageCutShort) {
  Rig rig;
  EXPECT_EQ(rig.status(rig.echo(framed("hello").substr(0, 7))), "13");
  EXPECT_EQ(rig.status(rig.echo(framed("hello").substr(0, 2))), "13");
  EXPECT_EQ(rig.log.cancelled, 2);
}

std::int32_t compressed_call(Rig& rig, const std::string& encoding, const std::string& body) {
  const std::int32_t id = rig.client.request({{":method", "POST"},
                                              {":scheme", "http"},
                                              {":authority", "test"},
                                              {":path", "/test/Echo"},
                                              {"content-type", "application/grpc+proto"},
                                              {"grpc-encoding", encoding}});
  rig.client.write(id, body, true);
  EXPECT_TRUE(rig.settle());
  return id;
}

TEST(GrpcConnection, AcceptsGzip) {
  Rig rig;
  const std::string text(100'000, 'g');
  const std::string body =
      framed(gzipped(text), true) + framed("plain") + framed(gzipped(""), true);
  EXPECT_EQ(rig.status(compressed_call(rig, "gzip", body)), "0");
  EXPECT_EQ(rig.log.messages, (std::vector<std::string>{text, "plain", ""}));
}

TEST(GrpcConnection, BoundsWhatGzipUnpacksTo) {
  Rig rig({.max_receive = 50'000});
  EXPECT_EQ(
      rig.status(compressed_call(rig, "gzip", framed(gzipped(std::string(50'000, 'g')), true))),
      "0");
  EXPECT_EQ(
      rig.status(compressed_call(rig, "gzip", framed(gzipped(std::string(50'001, 'g')), true))),
      "8");
}

TEST(GrpcConnection, RefusesDamagedOrUnknownCompression) {
  Rig rig;
  EXPECT_EQ(rig.status(compressed_call(rig, "gzip", framed("not gzip", true))), "13");
  EXPECT_EQ(rig.status(compressed_call(rig, "gzip", framed(gzipped("cut").substr(0, 12), true))),
            "13");
  EXPECT_EQ(rig.status(compressed_call(rig, "identity", framed("flagged", true))), "13");
  std::string odd = framed("flag 2");
  odd[0] = 2;
  EXPECT_EQ(rig.status(compressed_call(rig, "gzip", odd)), "13");
  const std::int32_t id = compressed_call(rig, "snappy", framed("x"));
  EXPECT_EQ(rig.status(id), "12");
  EXPECT_EQ(rig.client.answer(id).fields["grpc-accept-encoding"], "identity,gzip");
  EXPECT_TRUE(rig.log.messages.empty());
}

TEST(GrpcConnection, AnswersUnknownMethodsUnimplemented) {
  Rig rig;
  const std::int32_t id = rig.client.post("/test/Nothing");
  rig.client.write(id, framed(std::string(50'000, 'x')));
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.status(id), "12");
  EXPECT_EQ(rig.client.answer(id).blocks, 1);
  EXPECT_EQ(rig.server.open_calls(), 0U);
}

TEST(GrpcConnection, RefusesWhatIsNotGrpc) {
  Rig rig;
  const auto status = [&](const std::string& method, const std::string& type) {
    const std::int32_t id = rig.client.request({{":method", method},
                                                {":scheme", "http"},
                                                {":authority", "test"},
                                                {":path", "/test/Echo"},
                                                {"content-type", type}},
                                               true);
    EXPECT_TRUE(rig.settle());
    return rig.client.answer(id).fields[":status"];
  };
  EXPECT_EQ(status("GET", "application/grpc"), "405");
  EXPECT_EQ(status("POST", "application/json"), "415");
  EXPECT_EQ(status("POST", "application/grpc-web"), "415");
  EXPECT_EQ(status("POST", "application/grpc;charset=utf-8"), "200");
}

TEST(GrpcConnection, RefusesARequestWhenItIsComplete) {
  Rig rig;
  for (int i = 0; i < 3; ++i) {
    const std::int32_t id = rig.client.request({{":method", "POST"},
                                                {":scheme", "http"},
                                                {":authority", "test"},
                                                {":path", "/v1/chat/completions"},
                                                {"content-type", "application/json"}});
    rig.client.write(id, std::string(3'000'000, ' '));  // more than a stream's window
    ASSERT_TRUE(rig.settle());
    EXPECT_EQ(rig.client.answer(id).blocks, 0);
    rig.client.write(id, "", true);
    ASSERT_TRUE(rig.settle());
    EXPECT_EQ(rig.client.answer(id).fields[":status"], "415");
    EXPECT_EQ(rig.client.answer(id).body, "this port speaks gRPC only\n");
    EXPECT_EQ(rig.client.answer(id).closed, NGHTTP2_NO_ERROR);
  }
}

TEST(GrpcConnection, EndsACallBeforeThePeerDoes) {
  Rig rig;
  const std::int32_t id = rig.echo(framed("a") + framed("stop") + framed("not heard"), false);
  EXPECT_EQ(rig.client.answer(id).body, framed("a"));
  EXPECT_EQ(rig.status(id), "10");
  EXPECT_EQ(rig.message(id), "as asked: 100%25%0A");
  EXPECT_EQ(rig.client.answer(id).closed, NGHTTP2_NO_ERROR);
  EXPECT_EQ(rig.log.messages.size(), 2U);
  EXPECT_EQ(rig.log.cancelled, 0);
  EXPECT_EQ(rig.log.destroyed, 1);
}

TEST(GrpcConnection, TellsTheServiceThatThePeerHasGone) {
  Rig rig;
  const std::int32_t id = rig.echo(framed("a"), false);
  rig.client.reset(id);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.log.cancelled, 1);
  EXPECT_EQ(rig.log.why, GrpcStatus::cancelled);
  EXPECT_EQ(rig.log.destroyed, 1);
}

TEST(GrpcConnection, CancelsItsCallsWhenItDies) {
  Log log;
  GrpcRoutes routes;
  routes.streaming("/test/Echo", [&](GrpcCall& call) { return std::make_unique<Echo>(call, log); });
  BytePool pool;
  Http2Client client;
  {
    GrpcConnection server(routes, {}, pool, [] {});
    client.post("/test/Echo");
    ASSERT_TRUE(client.settle(server, Clock::time_point{}));
  }
  EXPECT_EQ(log.cancelled, 1);
  EXPECT_EQ(log.destroyed, 1);
}

TEST(GrpcConnection, SendsWhatIsWrittenLater) {
  Rig rig;
  const std::int32_t id = rig.echo("", false);
  rig.log.call->write("later");
  EXPECT_EQ(rig.ready, 1);
  const std::span<char> room = rig.log.call->reserve(4);
  std::ranges::copy(std::string_view("more"), room.begin());
  rig.log.call->commit(4);
  EXPECT_EQ(rig.ready, 1);
  ASSERT_TRUE(rig.settle());
  EXPECT_EQ(rig.client.answer(id).body, framed("later") + framed("more"));
}

// What a client says, with bytes changed, taken out or said twice: no crash, no endless answer, and
// every call is closed.
TEST(GrpcConnection, SurvivesDamagedInput) {
  std::string said;
  {
    Rig rig;
    std::int32_t id = 0;
    for (const std::string path : {"/test/Echo", "/test/Reverse", "/test/Nothing"}) {
      id = rig.client.post(path);
      rig.client.write(id, framed("one") + framed(std::string(500, 'x')), true);
    }
    rig.client.ping();
    said = rig.client.output();
    rig.client.reset(id);
    said += rig.client.output();
  }
  constexpr std::size_t kPreface = 24;
  Random random(5);
  int failed = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = said;
    for (std::uint64_t n = random.below(4); n > 0; --n) {
      const std::size_t at = kPreface + random.below(bytes.size() - kPreface);
      if (random.below(3) > 0) {
        bytes[at] = static_cast<char>(random.next());
      } else {
        bytes.insert(at, bytes.substr(at, random.below(50)));
      }
    }
    Rig rig;
    bool good = true;
    std::size_t answered = 0;
    for (std::size_t at = 0; good && at < bytes.size();) {
      const std::size_t piece = 1 + random.below(200);
      good = rig.server.feed(std::string_view(bytes).substr(at, piece), rig.now).has_value();
      at += piece;
      for (auto out = rig.server.output(); !out.empty(); out = rig.server.output()) {
        answered += out.size();
        rig.server.sent(out.size());
      }
    }
    EXPECT_LT(answered, 20'000U);
    if (!good || rig.server.done()) ++failed;
  }
  EXPECT_GT(failed, 500);
}

}  // namespace
}  // namespace pointsman
