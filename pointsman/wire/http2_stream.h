#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/wire/byte_queue.h"
#include "pointsman/wire/http2_session.h"

namespace pointsman {

// One request's answer on an Http2Session: respond(), then body bytes, then finish(). Nothing is
// sent before the session's output() is called. Owned by the session; gone after
// Http2Exchange::closed().
//
// Threading: that of its session.
class Http2Stream final {
 public:
  // Answers with these header fields (`:status` first). `end`: and with nothing else.
  // REQUIRES: not called before on this stream.
  void respond(std::span<const Http2Field> fields, bool end = false);
  bool responded() const { return responded_; }
  // Says something before the answer: a status of 1xx. REQUIRES: not responded.
  void inform(std::string_view status);

  // Room for `n` body bytes behind those queued, to be filled and commit()ted. The view is valid
  // until the next call on this stream. REQUIRES: responded, not finished.
  std::span<char> reserve(std::size_t n);
  void commit(std::size_t n);

  // Ends the answer behind the queued bytes, with trailers if any. REQUIRES: responded.
  void finish(std::span<const Http2Field> trailers);
  // Ends the stream at once; queued bytes are dropped. closed() follows.
  void reset(Http2Error error);

  // `n` received bytes are used up: the peer may send as many more, at once or when the bytes
  // queued here have fallen below Http2Limits::stream_backlog.
  void credit(std::size_t n);
  // The same, but on this stream the peer may not send others in their place.
  void drop(std::size_t n);

  std::size_t queued() const { return queue_.size(); }
  std::int32_t id() const { return id_; }

 private:
  friend class Http2Session;

  enum class End : std::uint8_t { open, bare, trailers };

  Http2Session::State* session_ = nullptr;
  Http2Exchange* exchange_ = nullptr;
  ByteQueue queue_;
  std::string trailer_bytes_;
  std::vector<Http2Field> trailers_;  // views into trailer_bytes_
  std::size_t held_ = 0;              // received bytes whose owner has not credited them
  std::size_t uncredited_ = 0;        // credited by the owner, withheld from the peer
  std::size_t place_ = 0;             // index among the session's open streams
  std::int32_t id_ = 0;
  End end_ = End::open;
  bool responded_ = false;
  bool deferred_ = false;     // nghttp2 waits for more bytes of this stream
  bool half_closed_ = false;  // the peer has said all
  bool head_sent_ = false;    // the answer's HEADERS have been framed
  bool end_sent_ = false;     // END_STREAM has been framed
};

}  // namespace pointsman
