#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "pointsman/base/clock.h"
#include "pointsman/base/result.h"
#include "pointsman/wire/byte_queue.h"
#include "pointsman/wire/refusals.h"

namespace pointsman {

struct Http2Field {
  std::string_view name;  // lower case, as HTTP/2 demands
  std::string_view value;
};

// RFC 9113 section 7, those this project sends.
enum class Http2Error : std::uint8_t {
  no_error = 0x0,
  internal_error = 0x2,
  refused_stream = 0x7,
  cancel = 0x8,
  enhance_your_calm = 0xb,
};

struct Http2Limits {
  std::uint32_t max_concurrent_streams = 1024;  // advertised; more are refused
  std::uint32_t stream_window = 1U << 20U;      // bytes a peer may send ahead of our reading
  std::uint32_t connection_window = 16U << 20U;
  std::uint32_t max_frame = 1U << 17U;  // payload bytes; holds a 64 KiB body chunk's message
  std::uint32_t max_header_bytes = 64U << 10U;  // as RFC 9113 6.5.2 counts; over it: status 431
  // Unsent bytes of one stream, and of all streams, from which the peer's next bytes are not
  // credited: a peer that does not read cannot make us hold more than it is owed already.
  std::size_t stream_backlog = std::size_t{1} << 20U;
  std::size_t connection_backlog = std::size_t{64} << 20U;
  std::size_t output_batch = std::size_t{256} << 10U;  // bytes framed ahead of the socket
  // Frames that cost us and bring a peer nothing (pings, settings, priorities, empty data,
  // requests reset before an answer): a token bucket. The burst lets every open stream of a
  // connection be aborted at once.
  double idle_frames_burst = 4096;
  double idle_frames_per_second = 1000;
  RefusalCounts* refusals = nullptr;  // outlives the session
};

class Http2Stream;

// The rest of one request, as its owner hears it.
class Http2Exchange {
 public:
  // Body bytes, valid during the call. The owner answers with Http2Stream::credit().
  virtual void received(std::string_view bytes) = 0;
  // The request's trailers; `fields` are valid during the call. half_closed() follows.
  virtual void trailers(std::span<const Http2Field> /*fields*/) {}
  // No more body.
  virtual void half_closed() = 0;
  // Our answer has left completely, the request is not yet here. True: the owner hears what is
  // left of it, and resets the stream if that takes too long; false: it is reset at once.
  virtual bool reads_on() { return false; }
  // The last call; the stream is gone when it returns. `answered`: our answer left completely.
  virtual void closed(bool answered) = 0;

 protected:
  ~Http2Exchange() = default;
};

class Http2Acceptor {
 public:
  // A new request; `fields` are valid during the call, pseudo-header fields first. What is
  // returned hears the rest and lives until its closed().
  virtual Http2Exchange& accept(Http2Stream& stream, std::span<const Http2Field> fields) = 0;
  // output() has become non-empty outside feed(); called once until output() is called.
  virtual void output_ready() = 0;

 protected:
  ~Http2Acceptor() = default;
};

// The server's end of one HTTP/2 connection: bytes in, callbacks and bytes out, no socket.
//
// Threading: one thread. No callback may destroy the session or call feed() or output().
class Http2Session final {
 public:
  // `acceptor` and `pool` outlive the session. On destruction every open stream is closed().
  Http2Session(const Http2Limits& limits, Http2Acceptor& acceptor, BytePool& pool);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // Bytes from the peer. An error means: send output() if possible, then close the connection.
  Result<void> feed(std::string_view bytes, Clock::time_point now);

  // Bytes for the peer: everything that may be sent now, up to a batch. Valid until the next
  // call of feed(), output() or sent(). Empty until the first byte of the peer was fed.
  std::string_view output();
  // The first `n` bytes of output() have left.
  void sent(std::size_t n);

  // Takes no new streams: GOAWAY, first as a warning, then (a round trip later) for real.
  void drain();
  // Nothing will come or go any more: the connection can be closed.
  bool done() const;
  std::size_t open_streams() const;

 private:
  friend class Http2Stream;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pointsman
