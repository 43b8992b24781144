#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "pointsman/wire/http2_session.h"
#include "pointsman/wire/http2_stream.h"

struct nghttp2_session;
struct nghttp2_session_callbacks;

namespace pointsman {

struct SessionDeleter {
  void operator()(nghttp2_session* session) const;
};

// Streams that this side reset before the peer had ended them: what the peer still says on them was
// sent before it knew, and is no fault of its.
class OwnResets {
 public:
  void add(std::int32_t id);
  bool contains(std::int32_t id) const;

 private:
  static constexpr std::size_t kRemembered = 256;

  std::vector<std::int32_t> ids_;  // a ring once it is full
  std::size_t oldest_ = 0;
  std::int32_t forgotten_ = 0;  // up to this stream every one may have been among them
};

// What Http2Session and its streams share. Private to http2_session.cc, http2_stream.cc and
// http2_guard.cc.
struct Http2Session::State {
  State(const Http2Limits& all_limits, Http2Acceptor& to, BytePool& blocks);

  Http2Stream* find(std::int32_t id) const;
  Http2Stream& open_stream(std::int32_t id);
  void close_stream(Http2Stream& stream);
  void begin_fields();
  // False: the peer is cut off, no more fields are wanted.
  bool add_field(std::string_view name, std::string_view value);
  void collect_fields();
  void request_complete(std::int32_t id);
  void trailers_complete(std::int32_t id);
  void refuse(std::int32_t id, std::string_view status);
  void half_close(std::int32_t id);
  void begin_frame(std::uint8_t type, std::uint8_t flags, std::size_t length, std::int32_t id);
  void check_order(std::int32_t id);
  void charge();
  void said_goaway(std::uint32_t error) const;
  void said_reset(std::uint32_t error) const;
  void last_word();
  void break_off(std::uint32_t error, const char* reason);
  void pump();
  void tell();
  void resume(Http2Stream& stream);
  void settle(Http2Stream& stream);
  void settle_connection();
  ssize_t read_body(Http2Stream& stream, std::size_t room, std::uint32_t& flags);
  int frame_body(Http2Stream& stream, const std::uint8_t* header, std::size_t length);
  void frame_received(std::uint8_t type, std::uint8_t flags, std::int32_t id, bool request);
  void frame_sent(std::uint8_t type, std::uint8_t flags, std::int32_t id);
  void configure();
  static nghttp2_session* make(State& state);
  static void set_callbacks(nghttp2_session_callbacks* callbacks);

  Http2Limits limits;
  Http2Acceptor& acceptor;
  BytePool& pool;
  std::unique_ptr<nghttp2_session, SessionDeleter> session;
  ByteQueue out;

  std::deque<Http2Stream> streams;  // their addresses are nghttp2's stream user data
  std::vector<Http2Stream*> spare;
  std::vector<Http2Stream*> open;

  // The one header block in arrival: HTTP/2 never interleaves two.
  std::string field_bytes;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> field_sizes;  // name, value
  std::vector<Http2Field> fields;
  std::uint32_t header_bytes = 0;

  std::size_t backlog = 0;     // queued bytes of all streams
  std::size_t uncredited = 0;  // used-up bytes not yet credited to the connection
  OwnResets own_resets;
  std::int32_t newest = 0;       // the highest stream that the peer has opened
  const char* broken = nullptr;  // why we end the connection, once we do

  double idle_budget;
  Clock::time_point refilled{};
  bool busy = false;     // inside feed() or output(): their caller looks for output afterwards
  bool greeted = false;  // the peer has said something
  bool told = false;     // output_ready() was called since the last output()
  bool failed = false;
  bool draining = false;
};

// Stops the process when an nghttp2 call failed that fails only for want of memory or by our fault.
void require_http2(int status, const char* what);

}  // namespace pointsman
