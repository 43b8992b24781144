#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "pointsman/wire/http_client.h"
#include "pointsman/wire/http_server.h"

namespace pointsman::testing {

// The smallest reverse proxy: passes every request to one target, and what it answers back,
// streamed, with back-pressure both ways.
class Relay {
 public:
  Relay(Loop& loop, HttpTarget target, HttpServerOptions options = {})
      : target_(std::move(target)),
        client_(loop, {}),
        server_(loop, options, [this](std::unique_ptr<HttpExchange> exchange) {
          auto trip = std::make_unique<Trip>(*this, std::move(exchange));
          Trip& started = *trip;
          trips_.emplace(&started, std::move(trip));
          started.begin();
        }) {}

  void serve(std::unique_ptr<Stream> stream) { server_.serve(std::move(stream)); }
  HttpServer& server() { return server_; }
  HttpClient& client() { return client_; }
  std::size_t trips() const { return trips_.size(); }
  std::size_t most_unsent() const { return most_unsent_; }

 private:
  // One request and its answer.
  class Trip final : public HttpSink {
   public:
    Trip(Relay& relay, std::unique_ptr<HttpExchange> exchange)
        : relay_(relay), exchange_(std::move(exchange)) {}

    void begin() {
      exchange_->when_gone([this] { end(); });
      exchange_->gather_body(body_, [this](Result<std::string_view> body) {
        if (!body) return end();
        RequestHead head = exchange_->head();
        remove_hop_by_hop(head.fields);
        const std::array parts{*body};
        relay_.client_.start(call_, relay_.target_, head, parts, *this);
      });
    }

    void on_head(const ResponseHead& head) override { exchange_->start(head); }
    void on_body(std::string_view bytes) override {
      const bool room = exchange_->write(bytes);
      relay_.most_unsent_ = std::max(relay_.most_unsent_, exchange_->unsent());
      if (room) return;
      call_.pause();
      exchange_->when_writable([this] { call_.resume(); });
    }
    void on_end() override {
      exchange_->finish();
      end();
    }
    void on_failure(HttpFailure failure) override {
      if (exchange_->started()) {
        exchange_->abort();
      } else {
        exchange_->respond(502, failure.error.message);
      }
      end();
    }

   private:
    void end() { relay_.trips_.erase(this); }

    Relay& relay_;
    std::unique_ptr<HttpExchange> exchange_;
    BodyBuffer body_;
    HttpCall call_;
  };

  HttpTarget target_;
  HttpClient client_;
  std::unordered_map<Trip*, std::unique_ptr<Trip>> trips_;
  std::size_t most_unsent_ = 0;
  HttpServer server_;
};

}  // namespace pointsman::testing
