#include "pointsman/wire/http2_session.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <nghttp2/nghttp2.h>
#include <string>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/wire/http2_state.h"

namespace pointsman {
namespace {

// What a person with curl or a browser reads. No HTTP/2 client begins with an HTTP/1 request line.
constexpr std::string_view kHttp1Reply =
    "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain\r\n"
    "content-length: 35\r\n\r\nthis port speaks HTTP/2 (gRPC) only";

// RFC 9113 6.5.2: what a field costs beside its bytes.
constexpr std::uint32_t kFieldOverhead = 32;

// So many times the advertised size of a request's fields are read in order to answer 431. Beyond,
// the peer means harm: one byte can refer to a field of kilobytes.
constexpr std::uint32_t kHeaderPatience = 4;

bool looks_like_http1(std::string_view bytes) {
  const std::string_view line = bytes.substr(0, bytes.find('\r'));
  return line.contains(" HTTP/1.");
}

}  // namespace

void SessionDeleter::operator()(nghttp2_session* session) const {
  nghttp2_session_del(session);
}

void require_http2(int status, const char* what) {
  if (status != 0) bug(std::string(what) + ": " + nghttp2_strerror(status));
}

Http2Session::State::State(const Http2Limits& all_limits, Http2Acceptor& to, BytePool& blocks)
    : limits(all_limits),
      acceptor(to),
      pool(blocks),
      session(make(*this)),
      idle_budget(all_limits.idle_frames_burst) {
  configure();
}

nghttp2_session* Http2Session::State::make(State& state) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  require_http2(nghttp2_session_callbacks_new(&callbacks), "nghttp2 callbacks");
  require_http2(nghttp2_option_new(&option), "nghttp2 option");
  set_callbacks(callbacks);
  nghttp2_option_set_no_auto_window_update(option, 1);
  // nghttp2 would cut the connection without a word; charge() comes first.
  nghttp2_option_set_max_outbound_ack(option,
                                      static_cast<std::size_t>(state.limits.idle_frames_burst) + 2);
  // nghttp2's own limit (33 resets a second) would cut off a proxy whose clients hang up in
  // normal operation; charge() takes its place.
  nghttp2_option_set_stream_reset_rate_limit(option, 1'000'000'000, 1'000'000'000);
  nghttp2_session* session = nullptr;
  require_http2(nghttp2_session_server_new2(&session, callbacks, &state, option),
                "nghttp2 session");
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  return session;
}

void Http2Session::State::configure() {
  const std::array<nghttp2_settings_entry, 4> entries{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.max_concurrent_streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, limits.max_frame},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.max_header_bytes},
  }};
  require_http2(
      nghttp2_submit_settings(session.get(), NGHTTP2_FLAG_NONE, entries.data(), entries.size()),
      "http2 settings");
  require_http2(
      nghttp2_session_set_local_window_size(session.get(), NGHTTP2_FLAG_NONE, 0,
                                            static_cast<std::int32_t>(limits.connection_window)),
      "http2 window");
}

void Http2Session::State::set_callbacks(nghttp2_session_callbacks* callbacks) {
  nghttp2_session_callbacks_set_on_begin_frame_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame_hd* header, void* user) {
        static_cast<State*>(user)->begin_frame(header->type, header->flags, header->length,
                                               header->stream_id);
        return 0;
      });
  nghttp2_session_callbacks_set_on_begin_headers_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame*, void* user) {
        static_cast<State*>(user)->begin_fields();
        return 0;
      });
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks,
      [](nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
         const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
        const bool more = static_cast<State*>(user)->add_field(
            {reinterpret_cast<const char*>(name), name_size},
            {reinterpret_cast<const char*>(value), value_size});
        // With this nghttp2 only unpacks the rest of the block, without checking every byte of it.
        return more ? 0 : static_cast<int>(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE);
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        const bool request =
            frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
        static_cast<State*>(user)->frame_received(frame->hd.type, frame->hd.flags,
                                                  frame->hd.stream_id, request);
        return 0;
      });
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
        // nghttp2 resets the stream by itself, or never opens it.
        auto* state = static_cast<State*>(user);
        state->own_resets.add(frame->hd.stream_id);
        if (error == NGHTTP2_ERR_REFUSED_STREAM)
          count(state->limits.refusals, Refusal::http2_streams);
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks, [](nghttp2_session* session, std::uint8_t, std::int32_t id,
                    const std::uint8_t* data, std::size_t size, void* user) {
        Http2Stream* stream = static_cast<State*>(user)->find(id);
        if (stream == nullptr) return nghttp2_session_consume(session, id, size);
        stream->held_ += size;
        stream->exchange_->received({reinterpret_cast<const char*>(data), size});
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t, void* user) {
        auto* state = static_cast<State*>(user);
        if (Http2Stream* stream = state->find(id)) state->close_stream(*stream);
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_send_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        auto* state = static_cast<State*>(user);
        state->frame_sent(frame->hd.type, frame->hd.flags, frame->hd.stream_id);
        if (frame->hd.type == NGHTTP2_GOAWAY) state->said_goaway(frame->goaway.error_code);
        if (frame->hd.type == NGHTTP2_RST_STREAM) state->said_reset(frame->rst_stream.error_code);
        return 0;
      });
  nghttp2_session_callbacks_set_send_data_callback(
      callbacks, [](nghttp2_session*, nghttp2_frame*, const std::uint8_t* header,
                    std::size_t length, nghttp2_data_source* source, void* user) {
        return static_cast<State*>(user)->frame_body(*static_cast<Http2Stream*>(source->ptr),
                                                     header, length);
      });
}

Http2Stream* Http2Session::State::find(std::int32_t id) const {
  return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session.get(), id));
}

Http2Stream& Http2Session::State::open_stream(std::int32_t id) {
  if (spare.empty()) {
    spare.push_back(&streams.emplace_back());
  }
  Http2Stream& stream = *spare.back();
  spare.pop_back();
  stream.session_ = this;
  stream.id_ = id;
  stream.place_ = open.size();
  open.push_back(&stream);
  require_http2(nghttp2_session_set_stream_user_data(session.get(), id, &stream),
                "http2 stream data");
  return stream;
}

void Http2Session::State::close_stream(Http2Stream& stream) {
  stream.exchange_->closed(stream.end_sent_);
  backlog -= stream.queue_.size();
  uncredited += stream.held_;  // what was credited is counted there already
  settle_connection();
  pool.give(stream.queue_);
  open[stream.place_] = open.back();
  open[stream.place_]->place_ = stream.place_;
  open.pop_back();
  stream = Http2Stream{};
  spare.push_back(&stream);
}

void Http2Session::State::begin_fields() {
  field_bytes.clear();
  field_sizes.clear();
  header_bytes = 0;
}

bool Http2Session::State::add_field(std::string_view name, std::string_view value) {
  header_bytes += static_cast<std::uint32_t>(name.size() + value.size()) + kFieldOverhead;
  if (header_bytes > kHeaderPatience * limits.max_header_bytes) {
    break_off(NGHTTP2_ENHANCE_YOUR_CALM, "http2: a header block without end");
    return false;
  }
  if (header_bytes > limits.max_header_bytes) return true;
  field_bytes.append(name).append(value);
  field_sizes.emplace_back(name.size(), value.size());
  return true;
}

void Http2Session::State::collect_fields() {
  fields.clear();
  const char* at = field_bytes.data();
  for (const auto& [name, value] : field_sizes) {
    fields.push_back({{at, name}, {at + name, value}});
    at += name + value;
  }
}

void Http2Session::State::request_complete(std::int32_t id) {
  if (header_bytes > limits.max_header_bytes) {
    count(limits.refusals, Refusal::http2_header_size);
    refuse(id, "431");
    return;
  }
  collect_fields();
  Http2Stream& stream = open_stream(id);
  stream.exchange_ = &acceptor.accept(stream, fields);
}

void Http2Session::State::trailers_complete(std::int32_t id) {
  Http2Stream* const stream = find(id);
  if (stream == nullptr) return;
  if (header_bytes > limits.max_header_bytes) {
    count(limits.refusals, Refusal::http2_header_size);
    stream->reset(Http2Error::enhance_your_calm);
    return;
  }
  collect_fields();
  stream->exchange_->trailers(fields);
}

void Http2Session::State::half_close(std::int32_t id) {
  Http2Stream* stream = find(id);
  if (stream == nullptr || stream->half_closed_) return;
  stream->half_closed_ = true;
  stream->exchange_->half_closed();
}

void Http2Session::State::frame_received(std::uint8_t type, std::uint8_t flags, std::int32_t id,
                                         bool request) {
  const bool end = (flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (type) {
    case NGHTTP2_HEADERS:
      request ? request_complete(id) : trailers_complete(id);
      if (end) half_close(id);
      break;
    case NGHTTP2_DATA:
      if (end) half_close(id);
      break;
    case NGHTTP2_RST_STREAM: {
      const Http2Stream* stream = find(id);
      if (stream == nullptr || !stream->head_sent_) charge();
      break;
    }
    case NGHTTP2_PING:
      if (draining && (flags & NGHTTP2_FLAG_ACK) != 0) {
        require_http2(nghttp2_submit_goaway(session.get(), NGHTTP2_FLAG_NONE,
                                            nghttp2_session_get_last_proc_stream_id(session.get()),
                                            NGHTTP2_NO_ERROR, nullptr, 0),
                      "http2 goaway");
      }
      break;
    default:
      break;
  }
}

void Http2Session::State::frame_sent(std::uint8_t type, std::uint8_t flags, std::int32_t id) {
  if (type == NGHTTP2_RST_STREAM) own_resets.add(id);
  const bool ends = (flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (type != NGHTTP2_HEADERS && (type != NGHTTP2_DATA || !ends)) return;
  Http2Stream* stream = find(id);
  if (stream == nullptr) return;
  stream->head_sent_ = stream->responded_;  // not by an interim answer
  if (!ends) return;
  stream->end_sent_ = true;
  // The answer is complete before the request: RFC 9113 8.1 lets the server stop it politely.
  if (!stream->half_closed_ && !stream->exchange_->reads_on()) {
    require_http2(
        nghttp2_submit_rst_stream(session.get(), NGHTTP2_FLAG_NONE, stream->id_, NGHTTP2_NO_ERROR),
        "http2 reset");
  }
}

void Http2Session::State::pump() {
  while (out.size() < limits.output_batch) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session.get(), &data);
    if (size < 0) failed = true;
    if (size <= 0) return;
    out.append({reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)});
  }
}

void Http2Session::State::tell() {
  if (busy || told || !out.empty()) return;
  told = true;
  acceptor.output_ready();
}

Http2Session::Http2Session(const Http2Limits& limits, Http2Acceptor& acceptor, BytePool& pool)
    : state_(std::make_unique<State>(limits, acceptor, pool)) {}

Http2Session::~Http2Session() {
  state_->told = true;  // nobody is to be woken for output that will never be taken
  while (!state_->open.empty()) state_->close_stream(*state_->open.back());
}

Result<void> Http2Session::feed(std::string_view bytes, Clock::time_point now) {
  State& s = *state_;
  if (s.failed) return fail(Code::io, "http2: the connection has failed before");
  if (bytes.empty()) return {};
  const std::chrono::duration<double> passed = now - std::exchange(s.refilled, now);
  s.idle_budget = std::min(s.limits.idle_frames_burst,
                           s.idle_budget + passed.count() * s.limits.idle_frames_per_second);
  const bool first = !std::exchange(s.greeted, true);
  s.busy = true;
  const ssize_t used = nghttp2_session_mem_recv(
      s.session.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  s.busy = false;
  if (s.broken != nullptr) return fail(Code::io, s.broken);
  if (used >= 0) return {};
  s.failed = true;
  if (used == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
    count(s.limits.refusals, Refusal::http2_protocol);
    if (first && looks_like_http1(bytes)) s.out.append(kHttp1Reply);
    return fail(Code::io, "http2: the peer does not speak HTTP/2");
  }
  s.last_word();
  return fail(Code::io, std::string("http2: ") + nghttp2_strerror(static_cast<int>(used)));
}

std::string_view Http2Session::output() {
  State& s = *state_;
  s.told = false;
  if (s.out.empty() && s.greeted && !s.failed) {
    s.busy = true;
    s.pump();
    s.busy = false;
  }
  return s.out.bytes();
}

void Http2Session::sent(std::size_t n) {
  state_->out.consume(n);
}

void Http2Session::drain() {
  State& s = *state_;
  if (std::exchange(s.draining, true)) return;
  require_http2(nghttp2_submit_shutdown_notice(s.session.get()), "http2 goaway");
  require_http2(nghttp2_submit_ping(s.session.get(), NGHTTP2_FLAG_NONE, nullptr), "http2 ping");
  s.tell();
}

bool Http2Session::done() const {
  nghttp2_session* session = state_->session.get();
  if (!state_->out.empty()) return false;
  return state_->failed ||
         (nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0);
}

std::size_t Http2Session::open_streams() const {
  return state_->open.size();
}

}  // namespace pointsman
