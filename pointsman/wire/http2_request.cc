#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "pointsman/base/text.h"
#include "pointsman/wire/http2_connection.h"

namespace pointsman {
namespace {

bool is_plain(std::string_view text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](unsigned char c) { return c <= ' ' || c == 0x7F; });
}

}  // namespace

Http2Request::Http2Request(Http2Connection& connection)
    : connection_(connection), timer_(connection.server_.loop, [this] { on_timer(); }) {}

void Http2Request::begin(Http2Stream& stream, std::span<const Http2Field> fields) {
  stream_ = &stream;
  exchange_ = nullptr;
  length_.reset();
  early_.clear();
  seen_ = 0;
  body_ = Body::unasked;
  continue_ = ended_ = bare_ = silent_ = stalled_ = false;
  body_deadline_ = Clock::time_point::max();
  fresh_ = std::unique_ptr<HttpExchange>(  // NOLINT: private
      new HttpExchange(connection_.server_.loop, *this));
  fresh_->connection_ = nullptr;  // until it is accepted: its client may reset it before
  fresh_->peer_ = connection_.stream_->peer();
  malformed_ = !read_head(fields, fresh_->head_);
}

// HTTP/2's fields as HTTP/1.1 would have them. nghttp2 has checked names, values and which
// pseudo-header fields there are.
bool Http2Request::read_head(std::span<const Http2Field> fields, RequestHead& head) {
  head.method.clear();
  head.target.clear();
  std::string_view authority;
  std::string cookies;
  for (const auto& [name, value] : fields) {
    if (name == ":method") {
      head.method = value;
    } else if (name == ":path") {
      head.target = value;
    } else if (name == ":authority") {
      authority = value;
    } else if (name == "cookie") {  // RFC 9113 8.2.3
      (cookies += cookies.empty() ? "" : "; ") += value;
    } else if (name == "expect") {
      continue_ = same_name(value, "100-continue");
      head.fields.add(name, value);
    } else if (!name.starts_with(':')) {
      head.fields.add(name, value);
    }
  }
  if (!cookies.empty()) head.fields.add("cookie", cookies);
  if (!authority.empty()) head.fields.set("host", authority);
  bare_ = head.method == "HEAD";
  if (const auto text = head.fields.find("content-length")) {
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), length);
    if (error != std::errc() || end != text->data() + text->size()) return false;
    length_ = length;
  }
  const bool options = head.target == "*" && head.method == "OPTIONS";
  return is_plain(head.method) && is_plain(head.target) &&
         (head.target.starts_with('/') || options) && head.fields.contains("host");
}

void Http2Request::hand_over() {
  if (stream_ == nullptr || fresh_ == nullptr) return;
  auto exchange = std::move(fresh_);
  const HttpServerOptions& options = connection_.server_.options;
  if (malformed_) {
    const bool connect = exchange->head_.method == "CONNECT";
    return refuse(connect ? 501 : 400, connect ? "CONNECT is not supported" : "malformed request");
  }
  if (length_.value_or(0) > options.body_bytes) return refuse(413, "the body is too large");
  if (exchange->head_.fields.size() > options.fields) return refuse(431, "too many header fields");
  if (ended_ && early_.empty()) {
    exchange->body_size_ = 0;
  } else {
    exchange->body_size_ = length_;
    if (options.body_time.count() > 0) body_deadline_ = Clock::now() + options.body_time;
  }
  exchange->connection_ = this;
  exchange_ = exchange.get();
  connection_.server_.handler(std::move(exchange));
}

// -- The request's body.

void Http2Request::gather() {
  if (exchange_->into_ != nullptr) {
    exchange_->into_->clear();
    exchange_->into_->reserve(static_cast<std::size_t>(length_.value_or(early_.size())));
  }
  body_ = exchange_->into_ != nullptr ? Body::gathered : Body::streamed;
  if (std::exchange(continue_, false) && early_.empty() && !ended_) stream_->inform("100");
  set_timer();
  pause(false);
}

void Http2Request::pause(bool on) {
  if (body_ == Body::unasked || body_ == Body::skipped || exchange_ == nullptr) return;
  if (on) {
    if (body_ == Body::streamed) body_ = Body::paused;
    return;
  }
  if (body_ == Body::paused) body_ = Body::streamed;
  const std::string held = std::exchange(early_, {});
  if (!held.empty() && !take(held)) return;
  if (ended_) deliver_last();
}

void Http2Request::received(std::string_view bytes) {
  if (body_ == Body::skipped || exchange_ == nullptr) {
    if (fresh_ != nullptr) {
      early_ += bytes;
    } else {
      stream_->credit(bytes.size());
    }
    return;
  }
  if (body_ == Body::unasked || body_ == Body::paused) {
    early_ += bytes;  // not credited: the peer stops when its window is used up
    return;
  }
  take(bytes);
}

// Passes a piece on; false: the exchange is over, or wants no more now.
bool Http2Request::take(std::string_view bytes) {
  stream_->credit(bytes.size());
  seen_ += bytes.size();
  if (seen_ > connection_.server_.options.body_bytes) {
    fail_body(Code::too_large, 413, "the body is too large");
    return false;
  }
  set_timer();
  if (body_ == Body::gathered) {
    if (!hold(bytes.size())) return false;
    exchange_->into_->append(bytes);
    return true;
  }
  HttpExchange* const before = exchange_;
  auto chunk = std::exchange(exchange_->chunk_, nullptr);
  chunk(bytes, false);
  if (exchange_ != before || exchange_ == nullptr) return false;
  if (!exchange_->chunk_) exchange_->chunk_ = std::move(chunk);
  return body_ == Body::streamed;
}

bool Http2Request::hold(std::size_t bytes) {
  ByteBudget* const memory = connection_.server_.options.memory;
  if (memory == nullptr) return true;
  if (!memory->take(bytes)) {
    fail_body(Code::unavailable, 503, "too many request bodies in memory at once");
    return false;
  }
  exchange_->memory_ = memory;
  exchange_->held_ += bytes;
  return true;
}

void Http2Request::half_closed() {
  ended_ = true;
  if (exchange_ != nullptr && (body_ == Body::gathered || body_ == Body::streamed)) deliver_last();
}

void Http2Request::deliver_last() {
  body_ = Body::skipped;
  timer_.disarm();
  if (exchange_->into_ != nullptr) {
    if (auto done = std::exchange(exchange_->gathered_, nullptr)) done(exchange_->into_->view());
  } else if (auto chunk = std::exchange(exchange_->chunk_, nullptr)) {
    chunk(std::string_view(), true);
  }
}

void Http2Request::fail_body(Code code, int status, std::string_view why) {
  HttpExchange* const exchange = detach();
  if (exchange->started_) {
    stream_->reset(Http2Error::internal_error);
  } else {
    refuse(status, why);
  }
  if (auto done = std::exchange(exchange->gathered_, nullptr)) {
    done(fail(code, std::string(why)));
  } else if (auto chunk = std::exchange(exchange->chunk_, nullptr)) {
    chunk(fail(code, std::string(why)), true);
  }
}

// -- The response.

void Http2Request::start(const ResponseHead& head) {
  exchange_->started_ = true;
  std::string& text = connection_.text_;
  std::vector<Http2Field>& fields = connection_.fields_;
  text.clear();
  fields.clear();
  std::size_t size = 0;
  for (std::size_t i = 0; i < head.fields.size(); ++i) size += head.fields[i].name.size();
  text.reserve(size + 8);  // so that the views below stay valid
  text += std::to_string(head.status);
  fields.push_back({":status", text});
  bool date = false;
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const auto [name, value] = head.fields[i];
    const bool length = same_name(name, "content-length");
    if (is_connections_own(name) && !length) continue;
    const std::size_t at = text.size();
    for (const char c : name) text += to_lower(c);
    const std::string_view lower = std::string_view(text).substr(at);
    date = date || lower == "date";
    fields.push_back({lower, value});
  }
  if (!date) fields.push_back({"date", http_date()});
  silent_ = bare_ || has_no_body(head.status);
  stream_->respond(fields, silent_);
}

bool Http2Request::write(std::span<const std::string_view> parts) {
  std::size_t total = 0;
  for (const auto& part : parts) total += part.size();
  if (silent_ || total == 0) return true;
  char* to = stream_->reserve(total).data();
  for (const auto& part : parts) {
    std::memcpy(to, part.data(), part.size());
    to += part.size();
  }
  stream_->commit(total);
  return stream_->queued() <= connection_.server_.options.high_water;
}

void Http2Request::finish() {
  detach();
  if (!silent_) stream_->finish({});
}

void Http2Request::abandon() {
  HttpExchange* const exchange = detach();
  if (exchange->started_) {
    stream_->reset(Http2Error::internal_error);
  } else {
    refuse(500, "the request was dropped");
  }
}

// The exchange is over.
HttpExchange* Http2Request::detach() {
  HttpExchange* const exchange = std::exchange(exchange_, nullptr);
  exchange->connection_ = nullptr;
  timer_.disarm();
  stalled_ = false;
  body_ = Body::skipped;
  if (!early_.empty()) stream_->credit(std::exchange(early_, {}).size());
  return exchange;
}

void Http2Request::refuse(int status, std::string_view why) {
  ++connection_.server_.refused;
  if (RefusalCounts* const counts = connection_.server_.options.refusals; counts != nullptr) {
    counts->add(refusal_of(status));
  }
  body_ = Body::skipped;
  if (!early_.empty()) stream_->credit(std::exchange(early_, {}).size());
  auto* const json = connection_.server_.options.error_body;
  const std::string body = json != nullptr ? json(status, why) : std::string(why) + '\n';
  const std::string status_text = std::to_string(status);
  const std::string length = std::to_string(body.size());
  const std::array<Http2Field, 5> fields{
      {{":status", status_text},
       {"content-type", json != nullptr ? "application/json" : "text/plain; charset=utf-8"},
       {"content-length", length},
       {"date", http_date()},
       {"retry-after", "1"}}};
  stream_->respond(std::span(fields).first(status == 503 ? 5 : 4), bare_);
  if (bare_) return;
  std::memcpy(stream_->reserve(body.size()).data(), body.data(), body.size());
  stream_->commit(body.size());
  stream_->finish({});
}

std::size_t Http2Request::unsent() const {
  return stream_->queued();
}

void Http2Request::flush_soon() {
  connection_.wait_writable(*this);
}

void Http2Request::look_writable() {
  if (exchange_ == nullptr || !exchange_->writable_) return;
  if (stream_->queued() > connection_.server_.options.high_water / 2) {
    if (!std::exchange(stalled_, true)) set_timer();
    connection_.waiting_.push_back(this);
    return;
  }
  if (std::exchange(stalled_, false)) timer_.disarm();
  auto ready = std::exchange(exchange_->writable_, nullptr);
  ready();
}

// -- Its end.

void Http2Request::closed(bool /*answered*/) {
  timer_.disarm();
  stream_ = nullptr;
  fresh_.reset();
  std::erase(connection_.fresh_, this);
  std::erase(connection_.waiting_, this);
  HttpExchange* const exchange = std::exchange(exchange_, nullptr);
  connection_.put_back(*this);
  if (exchange == nullptr) return;
  exchange->connection_ = nullptr;
  auto error = fail(Code::cancelled, "the client went away");
  if (auto done = std::exchange(exchange->gathered_, nullptr)) {
    done(std::move(error));
  } else if (auto chunk = std::exchange(exchange->chunk_, nullptr)) {
    chunk(std::move(error), true);
  } else if (auto gone = std::exchange(exchange->gone_, nullptr)) {
    gone();
  }
}

void Http2Request::set_timer() {
  const HttpServerOptions& options = connection_.server_.options;
  if (stalled_) {
    timer_.arm(options.write_pause);
  } else if (body_ == Body::gathered || body_ == Body::streamed) {
    timer_.arm_at(std::min(Clock::now() + options.body_pause, body_deadline_));
  }
}

void Http2Request::on_timer() {
  const auto self = connection_.shared_from_this();
  if (exchange_ == nullptr) return;
  if (stalled_) {
    stream_->reset(Http2Error::cancel);  // closed() tells who waits
  } else {
    fail_body(Code::timeout, 408, "the body took too long");
  }
}

}  // namespace pointsman
