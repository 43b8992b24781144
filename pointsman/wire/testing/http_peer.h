#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/wire/http_client.h"
#include "pointsman/wire/listener.h"

namespace pointsman::testing {

// Writes down everything a sink is told.
struct Sink final : HttpSink {
  void on_head(const ResponseHead& head) override {
    status = head.status;
    fields = head.fields;
    if (at_head) at_head();
  }
  void on_body(std::string_view bytes) override {
    body += bytes;
    if (at_body) at_body();
  }
  void on_trailers(const HttpFields& came) override { trailers = came; }
  void on_end() override {
    ++ends;
    if (at_end) at_end();
  }
  void on_failure(HttpFailure why) override {
    failure = std::move(why);
    failed = true;
  }
  bool over() const { return ends > 0 || failed; }

  int status = 0;
  HttpFields fields;
  HttpFields trailers;
  std::string body;
  int ends = 0;
  bool failed = false;
  HttpFailure failure;
  std::function<void()> at_head;
  std::function<void()> at_body;
  std::function<void()> at_end;
};

// A call to where nobody listens any more: it says so once start() has returned.
inline void expect_refused(Loop& loop, const HttpTarget& target) {
  HttpClient client(loop, {});
  Sink sink;
  HttpCall call;
  client.start(call, target, {}, {}, sink);
  EXPECT_FALSE(sink.failed) << "not before start() returns";
  EXPECT_TRUE(loop.run_until([&] { return sink.failed; }));
  EXPECT_EQ(sink.failure.phase, HttpFailure::Phase::connecting);
  EXPECT_EQ(sink.failure.error.message,
            "cannot connect to " + target.address.text() + ": Connection refused");
  EXPECT_FALSE(call.active());
}

// A peer that is no HTTP server of ours: says what it is told to, byte for byte.
struct Peer {
  explicit Peer(Loop& on, std::shared_ptr<TlsContext> tls = nullptr) : loop(on) {
    listener = *Listener::open(loop, *Address::parse("127.0.0.1:0"), {.tls = std::move(tls)},
                               {{loop, [this](auto stream) {
                                   ++accepted;
                                   streams.push_back(std::move(stream));
                                   listen(*streams.back());
                                 }}});
  }

  void listen(Stream& stream) {
    stream.when_readable([this, &stream] {
      const auto got = stream.read(loop.scratch());
      if (!got || got->end) return;
      heard.append(loop.scratch().data(), got->bytes);
      listen(stream);
    });
  }

  // Waits for a whole request head (and `body`), and answers on the newest connection.
  void answer(const std::string& text, const std::string& body = {}) {
    EXPECT_TRUE(loop.run_until([&] { return heard.ends_with("\r\n\r\n" + body); })) << heard;
    last = std::exchange(heard, {});
    say(text);
  }
  void say(std::string_view text) {
    EXPECT_EQ(streams.back()->write(std::span(&text, 1)).value_or(0), text.size());
  }

  HttpTarget target() const { return {.address = listener->address()}; }

  Loop& loop;
  std::unique_ptr<Listener> listener;
  std::vector<std::unique_ptr<Stream>> streams;
  int accepted = 0;
  std::string heard;
  std::string last;
};

// A client and its peer on one loop.
struct ClientRig {
  explicit ClientRig(HttpClientOptions options = {}) : peer(loop), client(loop, options) {}

  void get(const std::string& path = "/") {
    sink = Sink();
    client.start(call, peer.target(), {.target = path}, {}, sink);
  }
  void finish() {
    EXPECT_TRUE(loop.run_until([&] { return sink.over(); }));
  }

  Loop loop;
  Peer peer;
  HttpClient client;
  Sink sink;
  HttpCall call;
};

}  // namespace pointsman::testing
