#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "pointsman/wire/testing/http2_client.h"
#include "pointsman/wire/testing/http_site.h"

namespace pointsman::testing {

inline std::string json_error(int status, std::string_view why) {
  return "{" + std::to_string(status) + " " + std::string(why) + "}";
}

inline HttpServerOptions with_http2() {
  return {.error_body = json_error, .http2 = true};
}

// A site and an HTTP/2 client of it.
struct Http2Site : Site {
  explicit Http2Site(const HttpServerOptions& options = with_http2(), bool client_reads = true,
                     HttpServer::Handler handler = nullptr)
      : Site(options, std::move(handler)), h2(client_reads) {
    tick.arm(std::chrono::milliseconds(1));
  }

  // Runs until `done`, moving bytes.
  template <typename Done>
  bool run(const Done& done, std::chrono::nanoseconds limit = std::chrono::seconds(10)) {
    return loop.run_until(
        [&] {
          link.send(h2.output());
          if (!link.answer.empty()) h2.feed(std::exchange(link.answer, {}));
          link.send(h2.output());
          return done();
        },
        limit);
  }
  std::int32_t request(const std::string& method, const std::string& path, bool end,
                       Http2Client::Fields more = {}) {
    Http2Client::Fields fields{
        {":method", method}, {":scheme", "http"}, {":authority", "router:1"}, {":path", path}};
    fields.insert(fields.end(), more.begin(), more.end());
    return h2.request(fields, end);
  }
  HttpExchange& next() {
    EXPECT_TRUE(run([&] { return !waiting.empty(); }));
    return Site::next();
  }
  Http2Client::Answer& ended(std::int32_t id) {
    EXPECT_TRUE(run([&] { return h2.answer(id).ended; }));
    return h2.answer(id);
  }

  Client link{*this};
  Http2Client h2;
  // The loop has a turn each millisecond, so that what the client has to say is looked for.
  Timer tick{loop, [this] { tick.arm(std::chrono::milliseconds(1)); }};
};

}  // namespace pointsman::testing
