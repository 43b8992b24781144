#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/base/result.h"
#include "pointsman/wire/http.h"
#include "pointsman/wire/http_server_options.h"
#include "pointsman/wire/loop.h"
#include "pointsman/wire/stream.h"

namespace pointsman {

class HttpConnection;  // http_connection.h, wire/*.cc only
class Http2Connection;
class Http2Request;
class HttpResponder;

// One request and its response, in the hands of whoever answers it. Destroying it before the
// response is complete cuts the response off (500 if its head was not yet sent).
//
// The peer may go away at any time: the gone() callback says so at once, once; afterwards every
// call is harmless and does nothing. head() and a gathered body stay readable.
// Callbacks run on the loop and may destroy the exchange. Threading: the loop's thread.
class HttpExchange {
 public:
  using Gathered = std::move_only_function<void(Result<std::string_view>)>;

  ~HttpExchange();
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  const RequestHead& head() const { return head_; }
  const Address& peer() const { return peer_; }
  Loop& loop() { return loop_; }
  // Bytes of the request's body if the head told; 0 if there is none.
  std::optional<std::uint64_t> body_size() const { return body_size_; }

  // -- The request's body. One that nobody asked for is skipped.

  // Reads the whole body into `into` (cleared first; a body whose length is known is received
  // straight into it) and calls `done` with a view of it, perhaps before this returns.
  // Errors: too_large, timeout, bad_request (bad framing), unavailable (no memory): the client has
  // been answered with 413, 408, 400 or 503; cancelled: it went away. After an error the exchange
  // is over, without gone(). `into` lives until then.
  void gather_body(BodyBuffer& into, Gathered done);

  // The trailers of the request, once its whole body has come; none that must not be there.
  const HttpFields& trailers() const { return trailers_; }

  // -- The response.

  // A whole response in one piece. Content-Length is added.
  void respond(ResponseHead head, std::string_view body);
  // The same with Content-Type: text/plain. For errors; `message` ends up with a line feed.
  void respond(int status, std::string_view message);

  // Begins a response whose body follows. A Content-Length among the fields is kept to; without
  // one the body is chunked (HTTP/1.0: ends with the connection). Fields that concern one
  // connection are left out, Date is added if missing. Everything written in one callback of the
  // loop leaves in one send when the callback returns.
  void start(const ResponseHead& head);

  // Sends the parts as the next piece of the body. Small pieces and what the kernel does not take
  // are copied.
  // False: more than high_water is now kept; wait for writable() before writing more.
  // Too much or too little for a declared Content-Length cuts the connection.
  bool write(std::span<const std::string_view> parts);
  bool write(std::string_view bytes) { return write(std::span(&bytes, 1)); }

  // The response is complete, with these trailers if its framing has room for them: HTTP/2, or a
  // chunked body. The connection goes on to the next request.
  void finish(const HttpFields& trailers = {});
  // The response cannot be completed: cuts the connection so that the client notices.
  void abort();

  // Gives the connection away, to go on in another protocol: what is to be sent to the client
  // first, up to the end of `head`, and what the client has sent meanwhile. The exchange is over.
  // Nothing if it is gone. REQUIRES: !started(); the request has no body.
  struct Released {
    std::unique_ptr<Stream> stream;
    std::string unsent;
    std::string received;
  };
  std::optional<Released> upgrade(const ResponseHead& head);

  // Calls `ready` once, from the loop, when less than half of high_water is left unsent.
  void when_writable(Loop::Task ready);
  std::size_t unsent() const;  // bytes kept

  // Calls `gone` once, from the loop, if the peer closes or breaks the connection, or takes no
  // bytes for too long, before the response is complete. Not called after finish() or abort().
  void when_gone(Loop::Task gone);
  bool is_gone() const { return connection_ == nullptr; }
  bool started() const { return started_; }  // has the response begun?

 private:
  friend class HttpConnection;
  friend class Http2Request;
  explicit HttpExchange(Loop& loop) : loop_(loop) {}

  // What a connection says. Each may destroy the exchange.
  void body_ended();
  void body_failed(Code code, std::string_view why);
  void lost();  // the peer is gone

  Loop& loop_;
  // Null: not yet accepted, the peer is gone, or the response is complete.
  HttpResponder* connection_ = nullptr;
  RequestHead head_;
  HttpFields trailers_;
  Address peer_;
  std::optional<std::uint64_t> body_size_;
  bool started_ = false;
  Gathered gathered_;
  BodyBuffer* into_ = nullptr;
  ByteShare memory_;  // bytes of the body that are kept
  Loop::Task writable_;
  Loop::Task gone_;
};

// HTTP/1.1 (and 1.0) over the connections given to it: keep-alive, requests of one connection one
// after the other, strict framing (no obsolete line folding, no ambiguous length). HTTP/2 where the
// options say so: its exchanges differ in nothing but that many share one connection.
// Threading: its loop's thread. Destroying it closes its connections; what exchanges are left
// are gone, without a call. REQUIRES: not destroyed by its own handler, nor by what an exchange
// calls.
class HttpServer {
 public:
  using Handler = std::move_only_function<void(std::unique_ptr<HttpExchange>)>;

  HttpServer(Loop& loop, HttpServerOptions options, Handler handler);
  ~HttpServer();

  void serve(std::unique_ptr<Stream> stream);

  // From now on every connection closes after its next response.
  void part();

  // Closes idle connections now, the others after their response; calls `done` when none is left.
  void drain(Loop::Task done);

  std::size_t connections() const;

 private:
  friend class HttpConnection;
  friend class Http2Connection;
  friend class Http2Request;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pointsman
