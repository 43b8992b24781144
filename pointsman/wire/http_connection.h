#pragma once

// Internal to wire/: one connection of an HttpServer.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "pointsman/wire/byte_queue.h"
#include "pointsman/wire/http1.h"
#include "pointsman/wire/http2_session.h"
#include "pointsman/wire/http_responder.h"
#include "pointsman/wire/http_server.h"

namespace pointsman {

// Reads requests one after the other, hands each to the server's handler as an HttpExchange, and
// sends what the exchange says. Any callback into the handler's side may destroy the exchange, and
// the connection may end under any call; every entry point therefore keeps its own reference.
class HttpConnection final : public HttpResponder,
                             public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(HttpServer::State& server, std::unique_ptr<Stream> stream);

  void begin();  // waits for the first request
  // The response says so, unless it has begun already: then the next one does.
  void part() {
    if (exchange_ != nullptr && !exchange_->started()) keep_ = false;
  }
  void drain();  // closes after the response in progress, or now
  void shut();   // closes now, without a word to anybody

  Loop& loop() { return stream_->loop(); }
  const Address& peer() const { return stream_->peer(); }

  // What an HttpExchange passes on.
  void gather() override;
  void start(const ResponseHead& head) override;
  bool write(std::span<const std::string_view> parts) override;
  void finish(const HttpFields& trailers) override;
  std::optional<HttpExchange::Released> release(const ResponseHead& head) override;
  void abandon() override;
  std::size_t unsent() const override { return outbox_.size() - sent_; }
  void flush_soon() override;

 private:
  // What the next bytes from the peer belong to.
  enum class Phase : std::uint8_t { head, body, response, linger };
  // What happens to the request's body.
  enum class Body : std::uint8_t { unasked, gathered, skipped };
  // How the response's body ends.
  enum class Reply : std::uint8_t { none, empty, length, chunked, close };
  // When the connection closes.
  enum class Closing : std::uint8_t { no, after_flush, reset_after_flush };

  // Reading (http_connection.cc).
  void wait();
  bool wants_more() const;
  void on_readable();
  void on_over();
  bool receive_directly();
  void feed(std::string_view bytes);
  void resume();
  void run();
  bool step();
  bool step_head();
  void begin_request(std::string_view text);
  bool accept_request(HttpExchange& exchange);
  bool step_body();
  void deliver(std::string_view piece, bool last);
  bool hold(std::size_t bytes);
  void fail_body(Code code, const HttpRefusal& why);
  void lost();
  void on_timer();
  void set_timer();
  void close(bool reset = false);

  // Writing (http_reply.cc).
  void write_head(const ResponseHead& head);
  void refuse(const HttpRefusal& why);
  void answer(const HttpRefusal& why);
  void send(std::span<const std::string_view> parts, std::size_t total);
  void flush();
  void take_back(std::span<const std::string_view> pieces, std::size_t sent);
  void on_writable();
  void cut();
  void next_request();
  void break_soon();

  HttpServer::State& server_;
  std::unique_ptr<Stream> stream_;
  Timer timer_;
  HttpExchange* exchange_ = nullptr;
  bool closed_ = false;
  bool fresh_ = true;  // no byte has come so far

  Phase phase_ = Phase::head;
  HeadScanner scanner_;
  ChunkDecoder decoder_;
  Framing framing_;
  std::uint64_t body_left_ = 0;  // of a body of known length
  std::uint64_t body_seen_ = 0;
  Body body_ = Body::unasked;
  Clock::time_point body_deadline_ = Clock::time_point::max();
  bool continue_ = false;    // the peer waits for "100 Continue"
  bool running_ = false;     // run() is on the stack
  bool head_timed_ = false;  // the clock of head_time runs
  std::string_view input_;   // bytes in hand while running_
  std::string pending_;      // bytes in hand otherwise
  std::size_t lingered_ = 0;

  Reply reply_ = Reply::none;
  Closing closing_ = Closing::no;
  bool keep_ = true;       // the connection goes on after this response
  bool bare_ = false;      // HEAD: the response has no body
  bool old_ = false;       // HTTP/1.0
  bool blocked_ = false;   // the kernel takes no more for now
  bool flushing_ = false;  // flush() is deferred
  std::uint64_t reply_left_ = 0;
  std::string outbox_;
  std::size_t sent_ = 0;  // of outbox_
};

struct HttpServer::State {
  State(Loop& on, HttpServerOptions with, Handler then)
      : loop(on),
        options(with),
        http2_limits{.max_concurrent_streams = with.streams,
                     .max_header_bytes = static_cast<std::uint32_t>(with.head_bytes),
                     .refusals = with.refusals},
        handler(std::move(then)) {}

  void remove(HttpConnection& connection);
  void remove(Http2Connection& connection);
  void look_drained();
  // `first` are bytes that have come already.
  void serve_http2(std::unique_ptr<Stream> stream, std::string_view first);

  Loop& loop;
  HttpServerOptions options;
  Http2Limits http2_limits;
  Handler handler;
  BytePool pool;
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections;
  std::unordered_map<Http2Connection*, std::shared_ptr<Http2Connection>> http2;
  bool draining = false;
  bool parting = false;  // connections close after their next response
  Loop::Task drained;
};

}  // namespace pointsman
