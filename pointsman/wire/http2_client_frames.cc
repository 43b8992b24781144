// The side of an Http2ClientConnection that talks with nghttp2.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <nghttp2/nghttp2.h>
#include <string>
#include <vector>

#include "pointsman/base/bug.h"
#include "pointsman/base/text.h"
#include "pointsman/wire/http2_client_connection.h"

namespace pointsman {
namespace {

// Bytes of one answer, and of all, that the peer may send ahead of who reads them. Those of a
// stream are held in memory when its call pauses; the connection's are credited at once, so that
// one call that pauses holds up no other.
constexpr std::uint32_t kStreamWindow = 256U << 10U;
constexpr std::int32_t kConnectionWindow = 16 << 20;

constexpr std::size_t kOutputBatch = 256UL << 10U;  // bytes framed ahead of the socket
constexpr std::size_t kFrameHeader = 9;

// RFC 9113 6.5.2: what a field costs beside its bytes.
constexpr std::size_t kFieldOverhead = 32;

// So many times the allowed size of an answer's fields are read to say what is wrong with it.
constexpr std::size_t kHeaderPatience = 4;

void require(int status, const char* what) {
  if (status != 0) bug(std::string(what) + ": " + nghttp2_strerror(status));
}

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

void Http2ClientConnection::make_session() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  require(nghttp2_session_callbacks_new(&callbacks), "nghttp2 callbacks");
  require(nghttp2_option_new(&option), "nghttp2 option");
  set_callbacks(callbacks);
  nghttp2_option_set_no_auto_window_update(option, 1);
  require(nghttp2_session_client_new2(&session_, callbacks, this, option), "nghttp2 session");
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const std::array<nghttp2_settings_entry, 3> entries{{
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(options_.head_bytes)},
  }};
  require(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), entries.size()),
          "http2 settings");
  require(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow),
          "http2 window");
}

void Http2ClientConnection::set_callbacks(nghttp2_session_callbacks* callbacks) {
  using Self = Http2ClientConnection;
  nghttp2_session_callbacks_set_on_begin_headers_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame*, void* user) {
        static_cast<Self*>(user)->begin_fields();
        return 0;
      });
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks,
      [](nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
         const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
        const bool more =
            static_cast<Self*>(user)->add_field(text(name, name_size), text(value, value_size));
        return more ? 0 : static_cast<int>(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE);
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        auto* self = static_cast<Self*>(user);
        if (frame->hd.type == NGHTTP2_GOAWAY) self->last_ = frame->goaway.last_stream_id;
        self->frame_received(frame->hd.type, frame->hd.flags, frame->hd.stream_id);
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks, [](nghttp2_session* session, std::uint8_t, std::int32_t id,
                    const std::uint8_t* data, std::size_t size, void* user) {
        nghttp2_session_consume_connection(session, size);
        if (Http2ClientStream* stream = static_cast<Self*>(user)->find(id)) {
          stream->body_came(text(data, size));
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
        if (Http2ClientStream* stream = static_cast<Self*>(user)->find(id)) stream->closed(error);
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_send_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        // Ours say CANCEL or NO_ERROR: this one is nghttp2's verdict on what the peer has sent.
        if (frame->hd.type != NGHTTP2_RST_STREAM ||
            frame->rst_stream.error_code != NGHTTP2_PROTOCOL_ERROR) {
          return 0;
        }
        if (Http2ClientStream* stream = static_cast<Self*>(user)->find(frame->hd.stream_id)) {
          stream->malformed();
        }
        return 0;
      });
  nghttp2_session_callbacks_set_send_data_callback(
      callbacks, [](nghttp2_session*, nghttp2_frame*, const std::uint8_t* header,
                    std::size_t length, nghttp2_data_source* source, void* user) {
        return static_cast<Self*>(user)->frame_body(*static_cast<Http2ClientStream*>(source->ptr),
                                                    header, length);
      });
}

Http2ClientStream* Http2ClientConnection::find(std::int32_t id) const {
  if (phase_ == Phase::closed) return nullptr;
  return static_cast<Http2ClientStream*>(nghttp2_session_get_stream_user_data(session_, id));
}

std::size_t Http2ClientConnection::allowed() const {
  const std::size_t peers =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return std::min(peers, options_.streams);
}

bool Http2ClientConnection::may_request() const {
  return nghttp2_session_check_request_allowed(session_) != 0;
}

bool Http2ClientConnection::wants_nothing() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

// -- Requests.

std::int32_t Http2ClientConnection::submit(Http2ClientStream& stream) {
  // nghttp2 takes mutable bytes and leaves them alone.
  auto* at = reinterpret_cast<std::uint8_t*>(stream.text_.data());
  thread_local std::vector<nghttp2_nv> all;  // only so that its memory is used again
  all.clear();
  for (const auto& [name, value] : stream.places_) {
    all.push_back({at, at + name, name, value, NGHTTP2_NV_FLAG_NONE});
    at += name + value;
  }
  nghttp2_data_provider body{};
  body.source.ptr = &stream;
  body.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t room,
                          std::uint32_t* flags, nghttp2_data_source* source,
                          void* user) -> ssize_t {
    auto& from = *static_cast<Http2ClientStream*>(source->ptr);
    if (from.call_ == nullptr) return NGHTTP2_ERR_DEFERRED;  // it is about to be reset
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (from.left_ <= room) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      from.told_all_ = true;
      if (from.trailers_ != nullptr) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        static_cast<Http2ClientConnection*>(user)->submit_trailers(from);
      }
    }
    return static_cast<ssize_t>(std::min<std::uint64_t>(from.left_, room));
  };
  const std::int32_t id = nghttp2_submit_request(session_, nullptr, all.data(), all.size(),
                                                 stream.sent_all() ? nullptr : &body, &stream);
  if (id < 0) bug(std::string("http2 request: ") + nghttp2_strerror(id));
  return id;
}

void Http2ClientConnection::submit_trailers(const Http2ClientStream& stream) {
  const HttpFields& trailers = *stream.trailers_;
  std::vector<std::pair<std::string, std::string>> lines;
  for (std::size_t i = 0; i < trailers.size(); ++i) {
    auto& [name, value] = lines.emplace_back(std::string(), trailers[i].value);
    for (const char c : trailers[i].name) name += to_lower(c);
  }
  std::vector<nghttp2_nv> all;
  for (auto& [name, value] : lines) {
    all.push_back({reinterpret_cast<std::uint8_t*>(name.data()),
                   reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(),
                   NGHTTP2_NV_FLAG_NONE});
  }
  nghttp2_submit_trailer(session_, stream.id_, all.data(), all.size());
}

void Http2ClientConnection::pump() {
  while (out_.size() < kOutputBatch) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size <= 0) return;
    out_.append(text(data, static_cast<std::size_t>(size)));
  }
}

int Http2ClientConnection::frame_body(Http2ClientStream& stream, const std::uint8_t* header,
                                      std::size_t length) {
  if (out_.size() >= kOutputBatch) return NGHTTP2_ERR_WOULDBLOCK;
  if (stream.call_ == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  char* const to = out_.reserve(kFrameHeader + length).data();
  std::memcpy(to, header, kFrameHeader);
  stream.take_body(to + kFrameHeader, length);
  out_.commit(kFrameHeader + length);
  return 0;
}

void Http2ClientConnection::stop(const Http2ClientStream& stream, std::uint32_t error) {
  require(nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, error), "http2 reset");
  flush_later();
}

void Http2ClientConnection::credit(const Http2ClientStream& stream, std::size_t bytes) {
  if (stream.closed_ || phase_ == Phase::closed) return;
  nghttp2_session_consume_stream(session_, stream.id_, bytes);
  if (nghttp2_session_want_write(session_) != 0) flush_later();
}

// -- Answers.

void Http2ClientConnection::begin_fields() {
  head_.fields.clear();
  head_.status = 0;
  field_bytes_ = 0;
}

bool Http2ClientConnection::add_field(std::string_view name, std::string_view value) {
  field_bytes_ += name.size() + value.size() + kFieldOverhead;
  if (field_bytes_ > options_.head_bytes)
    return field_bytes_ < kHeaderPatience * options_.head_bytes;
  if (name == ":status") {
    std::from_chars(value.data(), value.data() + value.size(), head_.status);
  } else if (!name.starts_with(':')) {
    head_.fields.add(name, value);
  }
  return true;
}

void Http2ClientConnection::fields_complete(Http2ClientStream& stream) {
  if (field_bytes_ <= options_.head_bytes && head_.fields.size() <= options_.fields) {
    return stream.head_came(head_);
  }
  if (stream.call_ == nullptr) return;
  stop(stream, NGHTTP2_CANCEL);
  stream.fail(HttpFailure::Phase::answering, Code::too_large,
              target_.address.text() + " sent a head that is too large");
}

void Http2ClientConnection::frame_received(std::uint8_t type, std::uint8_t flags, std::int32_t id) {
  if (type == NGHTTP2_SETTINGS && phase_ == Phase::greeting) phase_ = Phase::open;
  if (type == NGHTTP2_GOAWAY && phase_ != Phase::closed) leave();
  if (type != NGHTTP2_HEADERS && type != NGHTTP2_DATA) return;
  Http2ClientStream* const stream = find(id);
  if (stream == nullptr) return;
  if (type == NGHTTP2_HEADERS) fields_complete(*stream);
  if ((flags & NGHTTP2_FLAG_END_STREAM) != 0) stream->ended();
}

}  // namespace pointsman
