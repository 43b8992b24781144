#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/wire/http_server.h"
#include "pointsman/wire/listener.h"

namespace pointsman::testing {

using ExchangePtr = std::unique_ptr<HttpExchange>;

// A server and raw clients on one loop. Without a handler of the test's own, exchanges wait in
// `waiting`.
struct Site {
  explicit Site(HttpServerOptions options = {}, HttpServer::Handler handler = nullptr)
      : server(
            loop, options, handler ? std::move(handler) : [this](ExchangePtr exchange) {
              waiting.push_back(std::move(exchange));
            }) {
    listener = *Listener::open(loop, *Address::parse("127.0.0.1:0"), {},
                               {{loop, [this](auto stream) { server.serve(std::move(stream)); }}});
  }

  HttpExchange& next() {
    EXPECT_TRUE(loop.run_until([&] { return !waiting.empty(); }));
    current = std::move(waiting.front());
    waiting.erase(waiting.begin());
    return *current;
  }

  Loop loop;
  std::vector<ExchangePtr> waiting;
  ExchangePtr current;
  HttpServer server;
  std::unique_ptr<Listener> listener;
};

// A client that sends bytes as they are and keeps all that comes back.
struct Client {
  explicit Client(Site& at) : site(at) {
    const auto connecting = connect(site.loop, site.listener->address(), {},
                                    [this](auto made) { stream = *std::move(made); });
    EXPECT_TRUE(site.loop.run_until([&] { return stream != nullptr; }));
    listen();
  }

  void send(std::string_view bytes) {
    unsent += bytes;
    push();
  }

  void push() {
    const std::string_view rest = unsent;
    const auto taken = stream->write(std::span(&rest, 1));
    if (!taken) return;
    unsent.erase(0, *taken);
    if (!unsent.empty()) stream->when_writable([this] { push(); });
  }

  void listen() {
    if (deaf) return;
    stream->when_readable([this] {
      const auto got = stream->read(site.loop.scratch());
      closed = !got || got->end;
      reset = !got;
      if (closed) return;
      answer.append(site.loop.scratch().data(), got->bytes);
      listen();
    });
  }

  // Runs until `text` has come, and takes everything up to its end out of the answer.
  std::string until(std::string_view text) {
    EXPECT_TRUE(site.loop.run_until([&] { return answer.contains(text) || closed; }));
    const auto at = answer.find(text);
    EXPECT_NE(at, std::string::npos) << "not found: " << text << " in: " << answer.substr(0, 500);
    if (at == std::string::npos) return {};
    std::string head = answer.substr(0, at + text.size());
    answer.erase(0, head.size());
    return head;
  }

  std::string until_closed() {
    EXPECT_TRUE(site.loop.run_until([&] { return closed; }));
    return answer;
  }

  Site& site;
  std::unique_ptr<Stream> stream;
  std::string unsent;
  std::string answer;
  bool closed = false;
  bool reset = false;
  bool deaf = false;
};

inline const std::string kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

inline std::string without_date(std::string text) {
  const auto at = text.find("Date: ");
  if (at != std::string::npos) text.erase(at, text.find("\r\n", at) + 2 - at);
  return text;
}

inline std::string post(std::size_t bytes, const std::string& fields = {}) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + fields + "Content-Length: " + std::to_string(bytes) +
         "\r\n\r\n";
}

}  // namespace pointsman::testing
