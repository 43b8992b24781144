#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "pointsman/wire/http2_session.h"
#include "pointsman/wire/http2_stream.h"
#include "pointsman/wire/testing/http2_client.h"

namespace pointsman::testing {

// Records what it hears; credits at once unless told to hold.
struct Heard final : Http2Exchange {
  explicit Heard(Http2Stream& of, bool holds) : stream(&of), hold(holds) {}
  void received(std::string_view bytes) override {
    body += bytes;
    if (!hold) stream->credit(bytes.size());
  }
  void half_closed() override { ended = true; }
  void closed(bool answered) override {
    gone = true;
    complete = answered;
    stream = nullptr;
  }
  void send(std::string_view bytes) const {
    bytes.copy(stream->reserve(bytes.size()).data(), bytes.size());
    stream->commit(bytes.size());
  }

  Http2Stream* stream;
  std::string body;
  std::string path;
  bool hold;
  bool ended = false;
  bool gone = false;
  bool complete = false;
};

// Takes every stream.
struct Acceptor final : Http2Acceptor {
  Http2Exchange& accept(Http2Stream& stream, std::span<const Http2Field> fields) override {
    Heard& heard = all.emplace_back(stream, hold);
    for (const Http2Field& field : fields) {
      if (field.name == ":path") heard.path = field.value;
    }
    return heard;
  }
  void output_ready() override { ++ready; }

  std::deque<Heard> all;
  bool hold = false;
  int ready = 0;
};

// A session of ours and a client of nghttp2's own.
struct SessionRig {
  explicit SessionRig(const Http2Limits& limits = {}, bool client_reads = true)
      : server(limits, acceptor, pool), client(client_reads) {}
  bool settle() { return client.settle(server, now); }
  Heard& open() {
    id = client.post("/a");
    EXPECT_TRUE(settle());
    return acceptor.all.back();
  }

  BytePool pool;
  Acceptor acceptor;
  Http2Session server;
  Http2Client client;
  Clock::time_point now{std::chrono::seconds(1)};
  std::int32_t id = 0;
};

}  // namespace pointsman::testing
