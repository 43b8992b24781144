// What an Http2Session does about peers that do not go by the rules.

#include <algorithm>
#include <nghttp2/nghttp2.h>
#include <string>
#include <string_view>
#include <utility>

#include "pointsman/wire/http2_state.h"

namespace pointsman {

void OwnResets::add(std::int32_t id) {
  if (ids_.size() < kRemembered) {
    ids_.push_back(id);
    return;
  }
  forgotten_ = std::max(forgotten_, std::exchange(ids_[oldest_], id));
  oldest_ = (oldest_ + 1) % kRemembered;
}

bool OwnResets::contains(std::int32_t id) const {
  return id <= forgotten_ || std::ranges::find(ids_, id) != ids_.end();
}

void Http2Session::State::begin_frame(std::uint8_t type, std::uint8_t flags, std::size_t length,
                                      std::int32_t id) {
  const bool useful =
      type == NGHTTP2_HEADERS || type == NGHTTP2_GOAWAY || type == NGHTTP2_WINDOW_UPDATE ||
      type == NGHTTP2_RST_STREAM ||  // judged when it is complete
      (type == NGHTTP2_DATA && (length > 0 || (flags & NGHTTP2_FLAG_END_STREAM) != 0));
  if (!useful) charge();
  if (type == NGHTTP2_HEADERS) check_order(id);
}

// RFC 9113 5.1.1: streams are opened in rising order. nghttp2 ignores one below the newest that it
// does not know; of those that it knows, closed ones among them, it thinks as the RFC does.
void Http2Session::State::check_order(std::int32_t id) {
  if (draining || id % 2 == 0) return;
  if (id > newest) {
    newest = id;
    return;
  }
  nghttp2_stream* const stream = nghttp2_session_find_stream(session.get(), id);
  const bool known =
      stream != nullptr && nghttp2_stream_get_state(stream) != NGHTTP2_STREAM_STATE_IDLE;
  if (known || own_resets.contains(id)) return;
  break_off(NGHTTP2_PROTOCOL_ERROR, "http2: a stream below the newest one");
}

void Http2Session::State::charge() {
  idle_budget -= 1;
  if (idle_budget < 0) break_off(NGHTTP2_ENHANCE_YOUR_CALM, "http2: too many idle frames");
}

void Http2Session::State::said_goaway(std::uint32_t error) const {
  if (error == NGHTTP2_ENHANCE_YOUR_CALM) {
    count(limits.refusals, Refusal::http2_flood);
  } else if (error != NGHTTP2_NO_ERROR) {
    count(limits.refusals, Refusal::http2_protocol);
  }
}

// A fault of the peer's on one stream, a malformed request among them, ends that stream only.
void Http2Session::State::said_reset(std::uint32_t error) const {
  if (error == NGHTTP2_PROTOCOL_ERROR || error == NGHTTP2_FLOW_CONTROL_ERROR ||
      error == NGHTTP2_FRAME_SIZE_ERROR) {
    count(limits.refusals, Refusal::http2_protocol);
  }
}

// nghttp2 has given the connection up, for floods that it has limits of its own for (such as header
// blocks in many frames), and says nothing more: the peer learns why all the same.
void Http2Session::State::last_word() {
  constexpr std::string_view kGoaway{"\0\0\x8\x7\0\0\0\0\0", 9};
  constexpr std::string_view kCalm{"\0\0\0\xb", 4};
  const auto last =
      static_cast<std::uint32_t>(nghttp2_session_get_last_proc_stream_id(session.get()));
  std::string frame(kGoaway);
  for (const unsigned shift : {24U, 16U, 8U, 0U}) frame += static_cast<char>(last >> shift);
  out.append(frame.append(kCalm));
  count(limits.refusals, Refusal::http2_flood);
}

void Http2Session::State::break_off(std::uint32_t error, const char* reason) {
  if (broken != nullptr) return;
  broken = reason;
  require_http2(nghttp2_session_terminate_session(session.get(), error), "http2 terminate");
}

}  // namespace pointsman
