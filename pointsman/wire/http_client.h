#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/base/result.h"
#include "pointsman/wire/address.h"
#include "pointsman/wire/http.h"
#include "pointsman/wire/loop.h"
#include "pointsman/wire/stream.h"
#include "pointsman/wire/tls.h"

namespace pointsman {

struct HttpClientOptions {
  std::chrono::nanoseconds connect = std::chrono::seconds(5);  // with the TLS handshake
  std::chrono::nanoseconds first_byte{};  // request begun to first byte of the answer; 0: no limit
  std::chrono::nanoseconds body_pause{};  // between two reads of the answer; 0: no limit
  std::chrono::nanoseconds total{};       // from start() to the end; 0: no limit
  std::chrono::nanoseconds keep = std::chrono::seconds(60);  // an unused connection is kept
  std::size_t kept_per_target = 1024;
  std::size_t head_bytes = 64 * 1024;
  std::size_t fields = 256;
  // HTTP/2: calls at one time on one connection, if the peer allows as many. More open another.
  std::size_t streams = 256;
  // HTTP/2: a peer with calls open that has said nothing for so long is asked for a sign of life
  // (PING); without one for as long again its connection gets no more calls until it speaks.
  std::chrono::nanoseconds quiet = std::chrono::seconds(15);
};

// Where a request goes.
struct HttpTarget {
  Address address;
  std::shared_ptr<TlsContext> tls;  // null: plain
  std::string host;                 // Host field and TLS server name; empty: the address
  bool http2 = false;               // with prior knowledge; with TLS the peer must agree to "h2"
};

// Why a call failed. `phase` says what may be done about it.
struct HttpFailure {
  enum class Phase : std::uint8_t {
    connecting,  // nothing was sent: any request may be tried elsewhere
    stale,       // a kept connection closed before any byte of an answer: the peer has most
                 // likely not seen the request; or it said so (HTTP/2's GOAWAY)
    refused,     // the peer says that it has not begun with it (HTTP/2's REFUSED_STREAM)
    waiting,     // the request was (partly) sent, no byte of an answer came
    answering,   // the answer broke off or was malformed
  };
  Phase phase = Phase::connecting;
  Error error;  // io, timeout, too_large, bad_gateway (malformed answer)
};

// Receives the answer of one call, on the loop, in this order: on_head once, on_body any number
// of times, then on_end; or on_failure at any point, as the last. Each may destroy or reuse the
// call.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  virtual void on_head(const ResponseHead& head) = 0;  // final answers only; valid in the call
  virtual void on_body(std::string_view bytes) = 0;    // valid in the call
  // Before on_end, if there are any; none that must not be there. Valid in the call.
  virtual void on_trailers(const HttpFields& /*trailers*/) {}
  virtual void on_end() = 0;
  virtual void on_failure(HttpFailure failure) = 0;
  // In place of all others: a request with an Upgrade field was answered with 101, and the
  // connection is the sink's. `rest` are bytes that came after the head.
  virtual void on_upgrade(const ResponseHead& /*head*/, std::unique_ptr<Stream> /*stream*/,
                          std::string_view /*rest*/) {
    on_failure({HttpFailure::Phase::answering,
                {Code::bad_gateway, "the server goes on in another protocol", {}}});
  }
};

class HttpCarrier;  // http_carrier.h, wire/*.cc only

// A call's place in the hands of its owner; may be used for one call after the other. Destroying
// it cancels the call.
class HttpCall {
 public:
  HttpCall() = default;
  ~HttpCall() { cancel(); }
  HttpCall(const HttpCall&) = delete;
  HttpCall& operator=(const HttpCall&) = delete;

  bool active() const { return carrier_ != nullptr; }
  // If the answer is not complete: closes the connection, or resets the stream. No more callbacks.
  void cancel();
  void pause();  // no more on_body until resume(); then the peer is held back by flow control
  void resume();

 private:
  friend class HttpCarrier;
  HttpCarrier* carrier_ = nullptr;
};

// Requests to any target, in HTTP/1.1 over kept connections or in HTTP/2, many at a time over one
// connection. In steady state a call makes no heap allocation of ours. Threading: its loop's
// thread. Destroying it fails nothing: active calls are dropped.
class HttpClient {
 public:
  HttpClient(Loop& loop, HttpClientOptions options);
  ~HttpClient();

  // Sends `head` and the concatenation of `body`, whose bytes stay valid until the call ends.
  // Content-Length is added if there is a body or the method is POST, PUT or PATCH, and Host if
  // the fields have none; the caller has removed hop-by-hop fields. `trailers`, if any, are valid
  // as long as the body, and make it chunked in HTTP/1.1. No sink function is called before this
  // returns. REQUIRES: !call.active(); `call` and `sink` outlive the call.
  void start(HttpCall& call, const HttpTarget& target, const RequestHead& head,
             std::span<const std::string_view> body, HttpSink& sink,
             const HttpFields* trailers = nullptr);

  std::size_t kept() const;         // idle connections of HTTP/1.1
  std::uint64_t connected() const;  // connections made so far

 private:
  friend class HttpClientConnection;
  friend class Http2ClientConnection;
  struct State;
  std::unique_ptr<State> state_;
};

struct FetchOptions {
  std::string method = "GET";
  HttpFields fields;
  std::string body;
  std::chrono::nanoseconds timeout = std::chrono::seconds(10);
  std::size_t max_body = 64 << 20;
  bool verify = true;  // https: check certificate and name
};

struct FetchResult {
  ResponseHead head;
  std::string body;
};

// One blocking request, for command lines and tests. Errors: io, timeout, too_large, bad_gateway.
Result<FetchResult> fetch(std::string_view url, FetchOptions options = {});

}  // namespace pointsman
