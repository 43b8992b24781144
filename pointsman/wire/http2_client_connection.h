#pragma once

// Internal to wire/: one HTTP/2 connection of an HttpClient.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "pointsman/wire/byte_queue.h"
#include "pointsman/wire/http2_client_stream.h"
#include "pointsman/wire/http_client_connection.h"
#include "pointsman/wire/stream.h"

struct nghttp2_session;
struct nghttp2_session_callbacks;

namespace pointsman {

// Carries many calls at one time. It takes none before the peer's SETTINGS have come: until then
// nothing of a request is sent, so that a peer which does not speak HTTP/2 has not seen any.
//
// A sink may destroy its call or the whole client in any callback; every entry point keeps its own
// reference, and nghttp2's session lives as long as this does.
class Http2ClientConnection final : public std::enable_shared_from_this<Http2ClientConnection> {
 public:
  Http2ClientConnection(HttpClient::State& client, const HttpTarget& target);
  ~Http2ClientConnection();
  Http2ClientConnection(const Http2ClientConnection&) = delete;
  Http2ClientConnection& operator=(const Http2ClientConnection&) = delete;

  void connect();
  // Whether one more call may be begun now, or wait for the connection to open.
  bool has_room() const;
  // Begins a call, or lets it wait. REQUIRES: has_room().
  void take(std::unique_ptr<Http2ClientStream> stream);
  void shut();  // closes now, without a word to anybody
  const HttpTarget& target() const { return target_; }

 private:
  friend class Http2ClientStream;
  enum class Phase : std::uint8_t { connecting, greeting, open, leaving, closed };

  // For its streams.
  const HttpClientOptions& options() const { return options_; }
  Loop& loop() { return loop_; }
  void stop(const Http2ClientStream& stream, std::uint32_t error);
  void credit(const Http2ClientStream& stream, std::size_t bytes);
  void give_back(Http2ClientStream& stream);
  std::uint64_t heard() const { return heard_; }
  void flush_later();

  // The socket's side (http2_client_connection.cc).
  void connected(Result<std::unique_ptr<Stream>> stream);
  void read();
  bool feed(std::string_view bytes);
  void flush();
  void opened();
  void begin(std::unique_ptr<Http2ClientStream> stream);
  void leave();
  void look_left();
  void lost(Code code, const std::string& what);
  void fail_one(Http2ClientStream& stream, Code code, const std::string& what);
  void close();
  void look_done();
  void set_timer();
  void on_timer();

  // nghttp2's side (http2_client_frames.cc).
  void make_session();
  static void set_callbacks(nghttp2_session_callbacks* callbacks);
  std::int32_t submit(Http2ClientStream& stream);
  void submit_trailers(const Http2ClientStream& stream);
  void pump();
  Http2ClientStream* find(std::int32_t id) const;
  void begin_fields();
  bool add_field(std::string_view name, std::string_view value);
  void fields_complete(Http2ClientStream& stream);
  void frame_received(std::uint8_t type, std::uint8_t flags, std::int32_t id);
  int frame_body(Http2ClientStream& stream, const std::uint8_t* header, std::size_t length);
  std::size_t allowed() const;
  bool may_request() const;
  bool wants_nothing() const;

  HttpClient::State* client_;  // null: gone
  Loop& loop_;
  const HttpClientOptions options_;
  const HttpTarget target_;
  std::unique_ptr<Connecting> connecting_;
  std::unique_ptr<Stream> stream_;
  nghttp2_session* session_ = nullptr;
  Timer timer_;
  Phase phase_ = Phase::connecting;
  std::vector<std::unique_ptr<Http2ClientStream>> waiting_;  // for the connection to open
  std::vector<std::unique_ptr<Http2ClientStream>> streams_;
  std::vector<std::unique_ptr<Http2ClientStream>> spent_;  // whose functions may be on the stack
  ByteQueue out_;
  bool flushing_ = false;    // flush() is deferred
  bool blocked_ = false;     // the kernel takes no more for now
  bool unsendable_ = false;  // the peer takes no more; what it said before is still read
  bool asked_ = false;       // for a sign of life
  bool silent_ = false;      // and none came
  std::uint64_t heard_ = 0;  // bytes from the peer
  Clock::time_point heard_at_{};
  std::int32_t last_ = 0;  // the last stream that the peer works on, once it has said so

  // The one header block in arrival: HTTP/2 never interleaves two.
  ResponseHead head_;
  std::size_t field_bytes_ = 0;
};

}  // namespace pointsman
