#pragma once

// Internal to wire/: one HTTP/2 connection of an HttpServer.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/wire/http2_session.h"
#include "pointsman/wire/http2_stream.h"
#include "pointsman/wire/http_connection.h"
#include "pointsman/wire/http_responder.h"

namespace pointsman {

class Http2Connection;

// One request of it: used for one after the other.
class Http2Request final : public HttpResponder, public Http2Exchange {
 public:
  explicit Http2Request(Http2Connection& connection);

  // Takes the fields of a new request.
  void begin(Http2Stream& stream, std::span<const Http2Field> fields);
  // Gives it to the server's handler, or refuses it.
  void hand_over();
  // Tells who waits for it, if there is room to write.
  void look_writable();
  // Its exchange is gone, and is not told.
  void forget();

  void gather() override;
  void start(const ResponseHead& head) override;
  bool write(std::span<const std::string_view> parts) override;
  void finish(const HttpFields& trailers) override;
  void abandon() override;
  std::size_t unsent() const override { return stream_->queued(); }
  void flush_soon() override;
  std::optional<HttpExchange::Released> release(const ResponseHead& /*head*/) override {
    return std::nullopt;  // HTTP/2 knows no Upgrade
  }

  void received(std::string_view bytes) override;
  void trailers(std::span<const Http2Field> fields) override;
  void half_closed() override;
  bool reads_on() override;
  void closed(bool answered) override;

 private:
  enum class Body : std::uint8_t { unasked, gathered, skipped };
  // What the timer gives its time to.
  enum class Wait : std::uint8_t {
    none,
    body,    // the next bytes of the request's body
    reader,  // the peer, to take some of what is queued
    rest,    // the peer, to see the whole answer before its request is cut off
  };

  bool read_head(std::span<const Http2Field> fields, RequestHead& head);
  bool hold_head();
  bool take(std::string_view bytes);
  void body_done();
  void skip_body();
  void fail_body(Code code, const HttpRefusal& why);
  void send_head(const ResponseHead& head);
  void send(std::span<const std::string_view> parts);
  void end_response(const HttpFields& trailers = {});
  void refuse(const HttpRefusal& why);
  void refuse(const HttpRefusal& why, Refusal counted);
  void answer(const HttpRefusal& why);
  HttpExchange* detach();
  void wait_for(Wait what);
  void on_timer();

  Http2Connection& connection_;
  Http2Stream* stream_ = nullptr;        // null: it is gone
  std::unique_ptr<HttpExchange> fresh_;  // until hand_over()
  HttpExchange* exchange_ = nullptr;     // null: the response is complete
  std::optional<std::uint64_t> length_;  // of the body, as declared
  std::string early_;                    // came before anybody asked
  Body body_ = Body::unasked;
  std::size_t head_bytes_ = 0;  // of the connection's
  bool malformed_ = false;
  bool too_much_ = false;  // there is no memory for its head
  Expectation expected_ = Expectation::none;
  bool ended_ = false;   // the whole request is here
  bool bare_ = false;    // HEAD
  bool silent_ = false;  // the response has no body
  Wait wait_ = Wait::none;
  std::size_t left_ = 0;  // bytes queued when Wait::reader began
  Clock::time_point body_deadline_ = Clock::time_point::max();
  Timer timer_;
};

// Threading and reentrancy as HttpConnection.
class Http2Connection final : public std::enable_shared_from_this<Http2Connection>,
                              private Http2Acceptor {
 public:
  Http2Connection(HttpServer::State& server, std::unique_ptr<Stream> stream);

  // `first` are bytes that have come already.
  void begin(std::string_view first);
  // Asks the peer for no new requests, answers those that are on their way, then closes.
  void drain();
  void shut();  // closes now, without a word to anybody

 private:
  friend class Http2Request;

  Http2Exchange& accept(Http2Stream& stream, std::span<const Http2Field> fields) override;
  void output_ready() override { flush_later(); }
  void put_back(Http2Request& request) { spare_.push_back(&request); }
  void wait_writable(Http2Request& request);

  void listen();
  void read();
  bool feed(std::string_view bytes);
  void hand_over();
  void flush_later();
  void flush();
  void look_writable();
  void wait_for_room();
  void linger();
  void set_timer();
  void on_timer();
  void close();

  HttpServer::State& server_;
  std::unique_ptr<Stream> stream_;
  std::deque<Http2Request> requests_;
  std::vector<Http2Request*> spare_;
  std::deque<Http2Request*> fresh_;     // not yet handed over
  std::vector<Http2Request*> waiting_;  // to be told when they can write
  std::string text_;                    // of the fields of one response
  std::vector<Http2Field> fields_;
  std::size_t heads_ = 0;  // bytes of the requests' header fields
  Timer timer_;
  bool flushing_ = false;
  bool blocked_ = false;
  bool retiring_ = false;  // the peer has been asked for no new requests
  bool closing_ = false;   // the peer broke the protocol: flush, then close
  bool lingering_ = false;
  bool closed_ = false;
  std::optional<Http2Session> session_;  // last: it closes the requests when it goes
};

}  // namespace pointsman
