// The sending half of HttpConnection.

#include <algorithm>
#include <array>
#include <utility>

#include "pointsman/base/text.h"
#include "pointsman/wire/http_connection.h"

namespace pointsman {
namespace {

// Pieces up to this size are copied and leave together when the loop's callback returns; larger
// ones are sent from where they lie.
constexpr std::size_t kCopied = 16 * 1024;

// Memory that a burst made the outbox take is given back above this size.
constexpr std::size_t kKeptOutbox = 256 * 1024;

constexpr std::size_t kMostPieces = 60;  // in one send, besides the framing

}  // namespace

Refusal refusal_of(int status) {
  switch (status) {
    case 408:
      return Refusal::http1_timeout;
    case 413:
    case 503:
      return Refusal::http1_body_size;
    case 431:
      return Refusal::http1_head_size;
    default:
      return Refusal::http1_malformed;
  }
}

Refusal http2_refusal_of(int status) {
  const Refusal same = refusal_of(status);
  return same == Refusal::http1_malformed   ? Refusal::http2_protocol
         : same == Refusal::http1_head_size ? Refusal::http2_header_size
                                            : same;
}

std::string make_refusal(const HttpServerOptions& options, const HttpRefusal& why,
                         ResponseHead& out) {
  const bool json = options.error_body != nullptr;
  std::string body = json ? options.error_body(why.status, why.why) : std::string(why.why) + '\n';
  out.status = why.status;
  out.fields.add("Content-Type", json ? "application/json" : "text/plain; charset=utf-8");
  out.fields.add("Content-Length", std::to_string(body.size()));
  if (why.status == 503) out.fields.add("Retry-After", "1");
  return body;
}

bool is_connections_own(std::string_view name) {
  static constexpr std::array<std::string_view, 7> kNames{
      "connection", "content-length", "keep-alive",        "proxy-connection",
      "trailer",    "upgrade",        "transfer-encoding",
  };
  return std::ranges::any_of(kNames, [&](std::string_view own) { return same_name(name, own); });
}

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

void HttpConnection::start(const ResponseHead& head) {
  const auto self = shared_from_this();
  exchange_->started_ = true;
  if (phase_ == Phase::body && continue_) keep_ = false;  // the body may or may not come
  write_head(head);
  flush_soon();
}

void HttpConnection::write_head(const ResponseHead& head) {
  append_status_line(outbox_, head.status, head.reason);
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const auto [name, value] = head.fields[i];
    if (!is_connections_own(name)) append_field(outbox_, name, value);
  }
  if (!head.fields.contains("date")) append_field(outbox_, "Date", http_date());
  const auto length = head.fields.find("content-length").and_then([](auto text) {
    return number_in<std::uint64_t>(text);
  });
  if (length && head.status >= 200 && head.status != 204) {
    outbox_ += "Content-Length: ";
    append_number(outbox_, *length);
    outbox_ += "\r\n";
  }
  if (bare_ || has_no_body(head.status)) {
    reply_ = Reply::empty;
  } else if (length) {
    reply_ = Reply::length;
    reply_left_ = *length;
  } else if (old_) {
    reply_ = Reply::close;
    keep_ = false;
  } else {
    reply_ = Reply::chunked;
    outbox_ += "Transfer-Encoding: chunked\r\n";
  }
  if (!keep_) {
    outbox_ += "Connection: close\r\n";
  } else if (old_) {
    outbox_ += "Connection: keep-alive\r\n";
  }
  outbox_ += "\r\n";
}

std::optional<HttpExchange::Released> HttpConnection::release(const ResponseHead& head) {
  const auto self = shared_from_this();
  exchange_->started_ = true;
  exchange_->connection_ = nullptr;
  exchange_ = nullptr;
  append_status_line(outbox_, head.status, head.reason);
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    append_field(outbox_, head.fields[i].name, head.fields[i].value);
  }
  outbox_ += "\r\n";
  HttpExchange::Released out{.stream = nullptr,
                             .unsent = outbox_.substr(sent_),
                             .received = std::string(running_ ? input_ : pending_)};
  input_ = {};
  closed_ = true;
  timer_.disarm();
  stream_->ignore_readable();
  if (blocked_) stream_->when_writable([] {});
  out.stream = std::move(stream_);
  server_.remove(*this);
  return out;
}

bool HttpConnection::write(std::span<const std::string_view> parts) {
  const auto self = shared_from_this();
  std::size_t total = 0;
  for (const auto& part : parts) total += part.size();
  if (reply_ == Reply::length) {
    if (total > reply_left_) {
      abandon();
      return false;
    }
    reply_left_ -= total;
  }
  if (reply_ != Reply::empty && total > 0) send(parts, total);
  return unsent() <= server_.options.high_water;
}

// Sends a piece of the body with the framing it needs.
void HttpConnection::send(std::span<const std::string_view> parts, std::size_t total) {
  const bool chunked = reply_ == Reply::chunked;
  if (blocked_ || unsent() + total <= kCopied || parts.size() > kMostPieces) {
    if (chunked) append_chunk_size(outbox_, total);
    for (const auto& part : parts) outbox_ += part;
    if (chunked) outbox_ += "\r\n";
    flush_soon();
    return;
  }
  if (chunked) append_chunk_size(outbox_, total);
  std::array<std::string_view, kMostPieces + 2> pieces;
  pieces[0] = std::string_view(outbox_).substr(sent_);
  std::ranges::copy(parts, pieces.begin() + 1);
  std::size_t count = parts.size() + 1;
  if (chunked) pieces[count++] = "\r\n";
  const auto sent = stream_->write(std::span(pieces).first(count));
  if (!sent) {
    break_soon();
    return;
  }
  take_back(std::span(pieces).first(count), *sent);
}

// Keeps what was not sent of the pieces, of which the first is the outbox.
void HttpConnection::take_back(std::span<const std::string_view> pieces, std::size_t sent) {
  const std::size_t own = std::min(sent, pieces[0].size());
  sent_ += own;
  sent -= own;
  for (const auto& piece : pieces.subspan(1)) {
    const std::size_t gone = std::min(sent, piece.size());
    sent -= gone;
    outbox_ += piece.substr(gone);
  }
  if (sent_ < outbox_.size()) {
    if (sent_ > kKeptOutbox) {
      outbox_.erase(0, sent_);
      sent_ = 0;
    }
    blocked_ = true;
    stream_->when_writable([this] { on_writable(); });
    set_timer();
    return;
  }
  outbox_.clear();
  sent_ = 0;
  if (outbox_.capacity() > kKeptOutbox) outbox_.shrink_to_fit();
}

void HttpConnection::flush_soon() {
  if (blocked_ || flushing_) return;
  flushing_ = true;
  loop().defer([self = shared_from_this()] {
    self->flushing_ = false;
    if (!self->closed_) self->flush();
  });
}

void HttpConnection::flush() {
  if (closed_ || blocked_) return;
  if (unsent() > 0) {
    const std::string_view rest = std::string_view(outbox_).substr(sent_);
    const auto sent = stream_->write(std::span(&rest, 1));
    if (!sent) {
      lost();
      return;
    }
    take_back(std::span(&rest, 1), *sent);
  }
  if (exchange_ != nullptr && unsent() <= server_.options.high_water / 2) {
    if (auto ready = std::exchange(exchange_->writable_, nullptr)) ready();
  }
  if (blocked_ || closed_) return;
  if (closing_ == Closing::reset_after_flush) {
    close(true);
  } else if (closing_ == Closing::after_flush && phase_ != Phase::linger) {
    phase_ = Phase::linger;
    stream_->finish();
    set_timer();
    wait();
  }
}

void HttpConnection::on_writable() {
  const auto self = shared_from_this();
  blocked_ = false;
  flush();
  if (!closed_ && !blocked_) set_timer();
}

void HttpConnection::finish(const HttpFields& trailers) {
  const auto self = shared_from_this();
  if (reply_ == Reply::length && reply_left_ > 0) {
    abandon();
    return;
  }
  if (reply_ == Reply::chunked) {
    outbox_ += "0\r\n";
    for (std::size_t i = 0; i < trailers.size(); ++i) {
      append_field(outbox_, trailers[i].name, trailers[i].value);
    }
    outbox_ += "\r\n";
    flush_soon();
  }
  exchange_->connection_ = nullptr;
  exchange_ = nullptr;
  reply_ = Reply::none;
  if (phase_ == Phase::body && keep_) {
    body_ = Body::skipped;
    set_timer();
    resume();
  } else {
    next_request();
  }
}

// After a complete response: goes on, or closes.
void HttpConnection::next_request() {
  if (!keep_) {
    closing_ = Closing::after_flush;
    flush_soon();
    return;
  }
  phase_ = Phase::head;
  set_timer();
  if (!pending_.empty()) {
    resume();
  } else if (!running_) {
    wait();
  }
}

// The exchange is over before its response is complete.
void HttpConnection::abandon() {
  const auto self = shared_from_this();
  HttpExchange* const exchange = std::exchange(exchange_, nullptr);
  exchange->connection_ = nullptr;
  if (exchange->started_) {
    cut();
  } else {
    answer(kRequestDropped);
  }
}

// Ends the connection so that the peer sees that the response is not complete: without the last
// chunk or all bytes; or with a reset if the end of the connection would mean completeness.
void HttpConnection::cut() {
  closing_ = reply_ == Reply::close ? Closing::reset_after_flush : Closing::after_flush;
  if (blocked_) {
    // A peer that does not read would keep the connection open until its time is up.
    loop().defer([self = shared_from_this()] { self->close(true); });
  } else {
    flush_soon();
  }
}

void HttpConnection::refuse(const HttpRefusal& why) {
  count(server_.options.refusals, refusal_of(why.status));
  answer(why);
}

// Answers a request that no exchange stands for (any more), and closes.
void HttpConnection::answer(const HttpRefusal& why) {
  keep_ = false;
  ResponseHead head;
  const std::string body = make_refusal(server_.options, why, head);
  write_head(head);
  if (reply_ != Reply::empty) outbox_ += body;
  closing_ = Closing::after_flush;
  phase_ = Phase::response;
  timer_.disarm();
  flush_soon();
}

// A send has failed in the middle of somebody's call: the connection ends after it.
void HttpConnection::break_soon() {
  blocked_ = true;  // nothing more is tried
  loop().post([weak = weak_from_this()] {
    if (const auto self = weak.lock(); self && !self->closed_) self->lost();
  });
}

}  // namespace pointsman
