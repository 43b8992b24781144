#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "pointsman/wire/http_client.h"
#include "pointsman/wire/testing/http2_peer.h"

namespace pointsman::testing {

// A client, a peer, and as many calls as a test makes.
struct Http2ClientRig {
  explicit Http2ClientRig(Http2Peer::Options how = {}, HttpClientOptions options = {})
      : peer(loop, std::move(how)), client(std::make_unique<HttpClient>(loop, options)) {}

  struct One {
    Sink sink;
    HttpCall call;
  };

  One& call(const RequestHead& head = {}, std::span<const std::string_view> body = {}) {
    One& one = calls.emplace_back();
    client->start(one.call, peer.target(), head, body, one.sink);
    return one;
  }
  bool until(const std::function<bool()>& done) { return loop.run_until(done); }
  void finish(One& one) {
    EXPECT_TRUE(until([&] { return one.sink.over(); }));
  }

  Loop loop;
  Http2Peer peer;
  std::deque<One> calls;
  std::unique_ptr<HttpClient> client;
};

}  // namespace pointsman::testing
