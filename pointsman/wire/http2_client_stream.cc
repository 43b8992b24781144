#include "pointsman/wire/http2_client_stream.h"

#include <algorithm>
#include <cstring>
#include <nghttp2/nghttp2.h>

#include "pointsman/base/text.h"
#include "pointsman/wire/http2_client_connection.h"
#include "pointsman/wire/http_responder.h"

namespace pointsman {
namespace {

// Interim answers (1xx) before one final; nobody needs more.
constexpr int kMostInterim = 16;

}  // namespace

Http2ClientStream::Http2ClientStream(Loop& loop) : timer_(loop, [this] { on_timer(); }) {}

void Http2ClientStream::begin(HttpCall& call, const HttpTarget& target, const RequestHead& head,
                              std::span<const std::string_view> body, HttpSink& sink,
                              const HttpFields* trailers, const HttpClientOptions& options) {
  hold(call, *this);
  call_ = &call;
  sink_ = &sink;
  id_ = 0;
  parts_.assign(body.begin(), body.end());
  part_ = 0;
  left_ = 0;
  for (const auto& part : body) left_ += part.size();
  write_fields(target, head, left_);
  trailers_ = trailers;
  told_all_ = left_ == 0 && trailers == nullptr;
  last_fields_.clear();
  pending_.clear();
  interim_ = 0;
  answered_ = ended_ = closed_ = paused_ = malformed_ = false;
  total_deadline_ = deadline_after(options.total);
  phase_deadline_ = Clock::time_point::max();
  set_timer();
}

// Names in lower case, pseudo-header fields first, and nothing that HTTP/2 has other means for
// (RFC 9113 8.2.2, 8.3.1).
void Http2ClientStream::write_fields(const HttpTarget& target, const RequestHead& head,
                                     std::uint64_t length) {
  text_.clear();
  places_.clear();
  const std::string own = target.host.empty() ? target.address.text() : target.host;
  add_field(":method", head.method);
  add_field(":scheme", target.tls ? "https" : "http");
  add_field(":authority", head.fields.find("host").value_or(own));
  add_field(":path", head.target);
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const auto [name, value] = head.fields[i];
    if (is_connections_own(name) || same_name(name, "host")) continue;
    if (same_name(name, "te") && !same_name(value, "trailers")) continue;
    add_field(name, value);
  }
  if (length > 0 || needs_length(head.method)) add_field("content-length", std::to_string(length));
}

void Http2ClientStream::add_field(std::string_view name, std::string_view value) {
  for (const char c : name) text_ += to_lower(c);
  text_ += value;
  places_.emplace_back(name.size(), value.size());
}

// -- What its owner says.

void Http2ClientStream::cancel() {
  detach();
  if (connection_ == nullptr) return;
  const auto connection = connection_->shared_from_this();
  if (id_ == 0 || closed_) {
    connection->give_back(*this);
  } else {
    connection->stop(*this, NGHTTP2_CANCEL);
  }
}

void Http2ClientStream::resume() {
  if (!std::exchange(paused_, false) || (pending_.empty() && !ended_)) return;
  connection_->loop().defer([this, turn = turn_, connection = connection_->shared_from_this()] {
    if (turn_ == turn && !paused_) deliver();
  });
}

// What came while the call paused.
void Http2ClientStream::deliver() {
  const std::uint32_t turn = turn_;
  if (!pending_.empty()) {
    const std::string held = std::exchange(pending_, {});
    connection_->credit(*this, held.size());
    sink_->on_body(held);
    if (turn_ != turn || paused_) return;
  }
  if (ended_) complete();
}

// The call is over; its sink and its parts are not used any more.
void Http2ClientStream::detach() {
  let_go(call_);
  ++turn_;
  sink_ = nullptr;
  timer_.disarm();
  pending_ = std::string();
  if (text_.capacity() > HttpFields::kKept) text_ = std::string();
}

// -- What the connection says.

void Http2ClientStream::sent() {
  heard_ = connection_->heard();
  expect(connection_->options().first_byte);
}

void Http2ClientStream::head_came(ResponseHead& head) {
  if (call_ == nullptr) return;
  expect(connection_->options().body_pause);
  if (answered_) {
    last_fields_ = head.fields;
    remove_forbidden_trailers(last_fields_);
    return;
  }
  if (head.status < kLowestStatus || head.status > kHighestStatus) {
    const std::string who = connection_->target().address.text();
    connection_->stop(*this, NGHTTP2_PROTOCOL_ERROR);
    return fail(HttpFailure::Phase::answering, Code::bad_gateway,
                who + " sent a malformed answer: malformed status");
  }
  if (head.status < 200) {
    if (++interim_ > kMostInterim) {
      const std::string who = connection_->target().address.text();
      connection_->stop(*this, NGHTTP2_CANCEL);
      fail(HttpFailure::Phase::answering, Code::bad_gateway,
           who + " sent too many interim answers");
    }
    return;
  }
  answered_ = true;
  sink_->on_head(head);
}

void Http2ClientStream::body_came(std::string_view bytes) {
  if (call_ == nullptr) return connection_->credit(*this, bytes.size());
  expect(connection_->options().body_pause);
  if (paused_ || !pending_.empty()) {
    pending_ += bytes;
    return;
  }
  connection_->credit(*this, bytes.size());
  sink_->on_body(bytes);
}

void Http2ClientStream::ended() {
  if (call_ == nullptr) return;
  ended_ = true;
  phase_deadline_ = Clock::time_point::max();
  set_timer();
  if (!paused_ && pending_.empty()) complete();
}

void Http2ClientStream::complete() {
  HttpSink& sink = *sink_;
  if (!last_fields_.empty()) {
    const std::uint32_t turn = turn_;
    sink.on_trailers(last_fields_);
    if (turn_ != turn) return;
  }
  detach();
  if (closed_) {
    connection_->give_back(*this);
  } else if (!sent_all()) {
    connection_->stop(*this, NGHTTP2_NO_ERROR);  // the server does not want the rest
  }
  sink.on_end();
}

// nghttp2 has forgotten the stream: it has ended on both sides, or was reset.
void Http2ClientStream::closed(std::uint32_t error) {
  closed_ = true;
  if (call_ == nullptr) return connection_->give_back(*this);
  if (ended_) return;
  using Phase = HttpFailure::Phase;
  const std::string who = connection_->target().address.text();
  connection_->give_back(*this);
  if (error == NGHTTP2_REFUSED_STREAM && !answered_) {
    if (connection_->phase_ == Http2ClientConnection::Phase::leaving && id_ > connection_->last_) {
      return fail(Phase::stale, Code::io, who + " is closing the connection");
    }
    return fail(Phase::refused, Code::io, who + " refused the request (REFUSED_STREAM)");
  }
  const Phase phase = answered_ ? Phase::answering : Phase::waiting;
  if (malformed_) return fail(phase, Code::bad_gateway, who + " sent a malformed answer");
  const bool malformed = error == NGHTTP2_PROTOCOL_ERROR || error == NGHTTP2_INTERNAL_ERROR;
  fail(phase, malformed ? Code::bad_gateway : Code::io,
       who + " broke off the request (" + nghttp2_http2_strerror(error) + ")");
}

// The connection is gone.
void Http2ClientStream::lost(Code code, const std::string& what) {
  if (call_ == nullptr) return;
  using Phase = HttpFailure::Phase;
  Phase phase = answered_ ? Phase::answering : Phase::waiting;
  if (id_ == 0) {
    phase = Phase::connecting;
  } else if (!answered_ && !first_ && connection_->heard() == heard_) {
    phase = Phase::stale;
  }
  fail(phase, code, what);
}

void Http2ClientStream::drop() {
  if (call_ != nullptr) detach();
}

// Last: the sink may do anything.
void Http2ClientStream::fail(HttpFailure::Phase phase, Code code, const std::string& what) {
  HttpSink& sink = *sink_;
  detach();
  sink.on_failure({phase, {code, what}});
}

void Http2ClientStream::take_body(char* to, std::size_t length) {
  left_ -= length;
  while (length > 0) {
    std::string_view& part = parts_[part_];
    const std::size_t here = std::min(length, part.size());
    std::memcpy(to, part.data(), here);
    part.remove_prefix(here);
    to += here;
    length -= here;
    if (part.empty()) ++part_;
  }
}

// -- Time.

void Http2ClientStream::expect(std::chrono::nanoseconds limit) {
  phase_deadline_ = deadline_after(limit);
  set_timer();
}

void Http2ClientStream::set_timer() {
  const auto next = std::min(total_deadline_, phase_deadline_);
  if (next == Clock::time_point::max()) {
    timer_.disarm();
  } else {
    timer_.arm_at(next);
  }
}

void Http2ClientStream::on_timer() {
  const auto connection = connection_->shared_from_this();
  if (paused_ && Clock::now() < total_deadline_) {
    // Our own pause, not the peer's; the clock starts again with the next bytes.
    phase_deadline_ = Clock::time_point::max();
    return set_timer();
  }
  const std::string who = connection->target().address.text();
  using Phase = HttpFailure::Phase;
  if (id_ == 0) {
    connection->give_back(*this);
    return fail(Phase::connecting, Code::timeout, who + " could not be reached");
  }
  if (closed_) {
    connection->give_back(*this);
  } else {
    connection->stop(*this, NGHTTP2_CANCEL);
  }
  fail(answered_ ? Phase::answering : Phase::waiting, Code::timeout,
       who + (answered_ ? " took too long to go on answering" : " took too long to answer"));
}

}  // namespace pointsman
