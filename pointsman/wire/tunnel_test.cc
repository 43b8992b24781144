#include "pointsman/wire/tunnel.h"

#include <array>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "pointsman/wire/listener.h"
#include "pointsman/wire/testing/http_peer.h"

namespace pointsman {
namespace {

using std::chrono::milliseconds;

// Two connections whose far ends the test holds, and a tunnel between their near ends.
struct Pair {
  explicit Pair(std::chrono::nanoseconds idle = {}, std::string first = {}) {
    for (auto* far : {&left, &right}) {
      connecting = connect(loop, listener->address(), {}, [far](auto s) { *far = *std::move(s); });
      EXPECT_TRUE(loop.run_until([&] { return *far != nullptr && accepted != nullptr; }));
      (far == &left ? near_left : near_right) = std::move(accepted);
    }
    tunnel = std::make_unique<Tunnel>(
        loop, TunnelEnd{.stream = std::move(near_left), .unsent = std::move(first)},
        TunnelEnd{.stream = std::move(near_right), .unsent = {}}, idle, [this] {
          over = true;
          tunnel.reset();
        });
  }

  // Reads until `size` bytes or the end.
  std::string read(Stream& from, std::size_t size) {
    std::string got;
    bool ended = false;
    loop.run_until([&] {
      std::array<char, 65'536> room{};
      const auto part = from.read(room);
      if (!part || part->end) {
        ended = true;
      } else {
        got.append(room.data(), part->bytes);
      }
      return ended || got.size() >= size;
    });
    return got;
  }
  void write(Stream& to, std::string_view bytes) { ASSERT_TRUE(to.write(std::span(&bytes, 1))); }

  Loop loop;
  std::unique_ptr<Stream> accepted;
  std::unique_ptr<Listener> listener =
      *Listener::open(loop, *Address::parse("127.0.0.1:0"), {},
                      {{loop, [this](auto s) { accepted = std::move(s); }}});
  std::unique_ptr<Connecting> connecting;
  std::unique_ptr<Stream> left, right, near_left, near_right;
  std::unique_ptr<Tunnel> tunnel;
  bool over = false;
  Timer tick{loop, [this] { tick.arm(milliseconds(1)); }};
};

TEST(Tunnel, PassesBytesBothWaysAfterWhatWasThereBefore) {
  Pair pair({}, "before ");
  pair.tick.arm(milliseconds(1));
  pair.write(*pair.right, "answer");
  EXPECT_EQ(pair.read(*pair.left, 13), "before answer");
  pair.write(*pair.left, "question");
  EXPECT_EQ(pair.read(*pair.right, 8), "question");
  EXPECT_FALSE(pair.over);
}

TEST(Tunnel, OneEndMayStopSendingAndStillListen) {
  Pair pair;
  pair.tick.arm(milliseconds(1));
  pair.write(*pair.left, "last");
  pair.left->finish();
  EXPECT_EQ(pair.read(*pair.right, 5), "last");
  pair.write(*pair.right, "reply");
  EXPECT_EQ(pair.read(*pair.left, 5), "reply");
  EXPECT_FALSE(pair.over);
  pair.right->finish();
  EXPECT_TRUE(pair.loop.run_until([&] { return pair.over; }));
}

TEST(Tunnel, EndsWhenAnEndBreaks) {
  Pair pair;
  pair.tick.arm(milliseconds(1));
  pair.left->close(true);
  EXPECT_TRUE(pair.loop.run_until([&] { return pair.over; }));
  EXPECT_EQ(pair.read(*pair.right, 1), "");
}

TEST(Tunnel, EndsWhenNothingPasses) {
  Pair pair(milliseconds(20));
  pair.tick.arm(milliseconds(1));
  EXPECT_TRUE(pair.loop.run_until([&] { return pair.over; }));
}

TEST(Upgrade, GoesOnInNoProtocolThatItDidNotAskFor) {
  for (const auto* fields :
       {"", "Upgrade: \r\n", "Upgrade: h2c\r\n", "Upgrade: websocket, h2c\r\n"}) {
    testing::ClientRig f;
    RequestHead head;
    head.fields.add("Upgrade", "websocket, other");
    f.client.start(f.call, f.peer.target(), head, {}, f.sink);
    f.peer.answer("HTTP/1.1 101 Switching Protocols\r\n" + std::string(fields) + "\r\n");
    f.finish();
    EXPECT_TRUE(f.sink.failure.error.message.contains("malformed answer: a protocol")) << fields;
  }
}

}  // namespace
}  // namespace pointsman
