#pragma once

// Internal to wire/: one call of an HttpClient in HTTP/2.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/wire/http_carrier.h"
#include "pointsman/wire/loop.h"

namespace pointsman {

class Http2ClientConnection;

// Used for one call after the other. It outlives its call until nghttp2 has forgotten its stream,
// and outlives its stream while an answer that came whole waits for a call that pauses.
class Http2ClientStream final : public HttpCarrier {
 public:
  explicit Http2ClientStream(Loop& loop);
  ~Http2ClientStream() = default;
  Http2ClientStream(const Http2ClientStream&) = delete;
  Http2ClientStream& operator=(const Http2ClientStream&) = delete;

  void begin(HttpCall& call, const HttpTarget& target, const RequestHead& head,
             std::span<const std::string_view> body, HttpSink& sink, const HttpFields* trailers,
             const HttpClientOptions& options);

  void cancel() override;
  void pause() override { paused_ = true; }
  void resume() override;

 private:
  friend class Http2ClientConnection;

  using Place = std::pair<std::uint32_t, std::uint32_t>;  // sizes of a name and a value

  // What the connection tells it.
  void sent();
  void head_came(ResponseHead& head);
  void body_came(std::string_view bytes);
  void ended();
  void malformed() { malformed_ = true; }
  void closed(std::uint32_t error);
  void fail(HttpFailure::Phase phase, Code code, const std::string& what);
  void lost(Code code, const std::string& what);
  void drop();  // without a word to anybody

  void add_field(std::string_view name, std::string_view value);
  void write_fields(const HttpTarget& target, const RequestHead& head, std::uint64_t length);
  void take_body(char* to, std::size_t length);
  bool sent_all() const { return left_ == 0 && told_all_; }
  void deliver();
  void complete();
  void detach();
  void expect(std::chrono::nanoseconds limit);
  void set_timer();
  void on_timer();

  Http2ClientConnection* connection_ = nullptr;
  std::size_t place_ = 0;  // among the connection's streams
  std::int32_t id_ = 0;    // 0: not begun
  HttpCall* call_ = nullptr;
  HttpSink* sink_ = nullptr;
  std::uint32_t turn_ = 0;  // counts the calls that are over
  Timer timer_;
  Clock::time_point total_deadline_ = Clock::time_point::max();
  Clock::time_point phase_deadline_ = Clock::time_point::max();

  // The request. The parts are the caller's, and not looked at once the call is over.
  std::string text_;           // names and values, one after the other
  std::vector<Place> places_;  // their sizes
  std::vector<std::string_view> parts_;
  std::size_t part_ = 0;                  // the first that is not wholly framed
  std::uint64_t left_ = 0;                // bytes that are not framed
  std::uint64_t heard_ = 0;               // what the connection had heard when the request left
  const HttpFields* trailers_ = nullptr;  // the caller's; null: none
  bool told_all_ = false;                 // nghttp2 knows how the request ends
  bool first_ = false;                    // the first that its connection carries

  // The answer.
  std::string pending_;     // came while paused; not credited, and so within the stream's window
  HttpFields last_fields_;  // the answer's trailers
  int interim_ = 0;
  bool answered_ = false;  // the final head has come
  bool ended_ = false;     // the whole answer has come
  bool closed_ = false;    // nghttp2 has forgotten the stream
  bool paused_ = false;
  bool malformed_ = false;  // what came of the answer
};

}  // namespace pointsman
