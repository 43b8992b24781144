#include <algorithm>
#include <cstring>
#include <utility>

#include "pointsman/base/text.h"
#include "pointsman/wire/http1.h"
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
  body_ = Body::unasked;
  ended_ = bare_ = silent_ = false;
  body_deadline_ = Clock::time_point::max();
  fresh_.reset(new HttpExchange(connection_.server_.loop));  // NOLINT: private
  fresh_->peer_ = connection_.stream_->peer();
  malformed_ = !read_head(fields, fresh_->head_);
  too_much_ = !hold_head();
  if (too_much_) fresh_->head_.fields = {};
}

// A byte of HTTP/2 can refer to kilobytes of fields, so they have limits in memory: one for the
// connection, and the one that all bodies share. False: they are reached.
bool Http2Request::hold_head() {
  const HttpServerOptions& options = connection_.server_.options;
  const RequestHead& head = fresh_->head_;
  const std::size_t bytes = head.fields.cost() + head.target.size();
  if (connection_.heads_ + bytes > options.heads_bytes) return false;
  if (!fresh_->memory_.take(options.memory, bytes)) return false;
  connection_.heads_ += bytes;
  head_bytes_ = bytes;
  return true;
}

// HTTP/2's fields as HTTP/1.1 would have them. nghttp2 has checked names, values and which
// pseudo-header fields there are.
bool Http2Request::read_head(std::span<const Http2Field> fields, RequestHead& head) {
  head.method.clear();
  head.target.clear();
  std::string_view authority;
  std::string cookies;
  std::size_t bytes = 0;
  for (const auto& [name, value] : fields) bytes += name.size() + value.size();
  head.fields.reserve(fields.size(), bytes);
  for (const auto& [name, value] : fields) {
    if (name == ":method") {
      head.method = value;
    } else if (name == ":path") {
      head.target = value;
    } else if (name == ":authority") {
      authority = value;
    } else if (name == "cookie") {  // RFC 9113 8.2.3
      (cookies += cookies.empty() ? "" : "; ") += value;
    } else if (!name.starts_with(':')) {
      head.fields.add(name, value);
    }
  }
  if (!cookies.empty()) head.fields.add("cookie", cookies);
  if (!authority.empty()) head.fields.set("host", authority);
  bare_ = head.method == "HEAD";
  if (const auto text = head.fields.find("content-length")) {
    length_ = number_in<std::uint64_t>(*text);
    if (!length_) return false;
  }
  expected_ = expectation(head.fields);
  const bool options = head.target == "*" && head.method == "OPTIONS";
  const auto host = head.fields.find("host");
  return is_plain(head.method) && is_target(head.target) &&
         (head.target.starts_with('/') || options) && host &&
         (host->empty() || is_authority(*host));
}

void Http2Request::hand_over() {
  if (stream_ == nullptr || fresh_ == nullptr) return;
  auto exchange = std::move(fresh_);
  const HttpServerOptions& options = connection_.server_.options;
  if (too_much_) return refuse(kNoMemoryForHeads, Refusal::http2_header_size);
  if (malformed_) {
    const bool connect = exchange->head_.method == "CONNECT";
    return refuse(connect ? HttpRefusal{501, "CONNECT is not supported"}
                          : HttpRefusal{400, "malformed request"});
  }
  if (expected_ == Expectation::unknown) return refuse(kUnknownExpectation);
  if (length_.value_or(0) > options.body_bytes) return refuse(kBodyTooLarge);
  if (exchange->head_.fields.size() > options.fields) {
    return refuse({431, "too many header fields"});
  }
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

void Http2Request::forget() {
  if (HttpExchange* const exchange = std::exchange(exchange_, nullptr)) {
    exchange->connection_ = nullptr;
  }
}

// -- The request's body.

void Http2Request::gather() {
  BodyBuffer& into = *exchange_->into_;
  into.clear();
  const std::uint64_t size = length_.value_or(early_.size());
  into.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(size, BodyBuffer::kFirst)));
  body_ = Body::gathered;
  if (expected_ == Expectation::go_ahead && early_.empty() && !ended_) stream_->inform("100");
  wait_for(Wait::body);
  const std::string held = std::exchange(early_, {});
  if (!held.empty() && !take(held)) return;
  if (ended_) body_done();
}

void Http2Request::received(std::string_view bytes) {
  switch (body_) {
    case Body::unasked:
      early_ += bytes;  // not credited: the peer stops when its window is used up
      break;
    case Body::gathered:
      take(bytes);
      break;
    case Body::skipped:
      stream_->drop(bytes.size());
      break;
  }
}

// Keeps a piece; false: the exchange is over.
bool Http2Request::take(std::string_view bytes) {
  const HttpServerOptions& options = connection_.server_.options;
  stream_->credit(bytes.size());
  if (exchange_->into_->size() + bytes.size() > options.body_bytes) {
    fail_body(Code::too_large, kBodyTooLarge);
    return false;
  }
  if (!exchange_->memory_.take(options.memory, bytes.size())) {
    fail_body(Code::unavailable, kNoMemory);
    return false;
  }
  wait_for(Wait::body);
  exchange_->into_->append(bytes);
  return true;
}

void Http2Request::trailers(std::span<const Http2Field> fields) {
  HttpExchange* const exchange = fresh_ != nullptr ? fresh_.get() : exchange_;
  if (exchange == nullptr) return;
  for (const auto& [name, value] : fields) exchange->trailers_.add(name, value);
  remove_forbidden_trailers(exchange->trailers_);
}

void Http2Request::half_closed() {
  ended_ = true;
  if (body_ == Body::gathered) body_done();
}

void Http2Request::body_done() {
  body_ = Body::skipped;
  wait_for(Wait::none);
  exchange_->body_ended();
}

// Nobody wants the body, or what is left of it. The peer may send what it has been granted.
void Http2Request::skip_body() {
  body_ = Body::skipped;
  if (!early_.empty()) stream_->drop(std::exchange(early_, {}).size());
}

void Http2Request::fail_body(Code code, const HttpRefusal& why) {
  HttpExchange* const exchange = detach();
  if (exchange->started_) {
    stream_->reset(Http2Error::internal_error);
  } else {
    refuse(why);
  }
  exchange->body_failed(code, why.why);
}

// -- The response.

void Http2Request::start(const ResponseHead& head) {
  exchange_->started_ = true;
  send_head(head);
}

void Http2Request::send_head(const ResponseHead& head) {
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
    if (length ? head.status < 200 || head.status == 204 : is_connections_own(name)) continue;
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
  send(parts);
  return silent_ || stream_->queued() <= connection_.server_.options.high_water;
}

void Http2Request::send(std::span<const std::string_view> parts) {
  std::size_t total = 0;
  for (const auto& part : parts) total += part.size();
  if (silent_ || total == 0) return;
  char* to = stream_->reserve(total).data();
  for (const auto& part : parts) {
    std::memcpy(to, part.data(), part.size());
    to += part.size();
  }
  stream_->commit(total);
}

void Http2Request::finish(const HttpFields& trailers) {
  detach();
  end_response(trailers);
}

void Http2Request::end_response(const HttpFields& trailers) {
  if (silent_) return;
  if (stream_->queued() > 0) wait_for(Wait::reader);
  if (trailers.empty()) return stream_->finish({});
  std::string& text = connection_.text_;
  std::vector<Http2Field>& fields = connection_.fields_;
  text.clear();
  fields.clear();
  std::size_t size = 0;
  for (std::size_t i = 0; i < trailers.size(); ++i) size += trailers[i].name.size();
  text.reserve(size);  // so that the views below stay valid
  for (std::size_t i = 0; i < trailers.size(); ++i) {
    const std::size_t at = text.size();
    for (const char c : trailers[i].name) text += to_lower(c);
    fields.push_back({std::string_view(text).substr(at), trailers[i].value});
  }
  stream_->finish(fields);
}

void Http2Request::abandon() {
  if (detach()->started_) {
    stream_->reset(Http2Error::internal_error);
  } else {
    answer(kRequestDropped);
  }
}

// The exchange is over.
HttpExchange* Http2Request::detach() {
  HttpExchange* const exchange = std::exchange(exchange_, nullptr);
  exchange->connection_ = nullptr;
  if (wait_ != Wait::rest) wait_for(Wait::none);
  skip_body();
  return exchange;
}

void Http2Request::refuse(const HttpRefusal& why) {
  refuse(why, http2_refusal_of(why.status));
}

void Http2Request::refuse(const HttpRefusal& why, Refusal counted) {
  count(connection_.server_.options.refusals, counted);
  skip_body();
  answer(why);
}

// Answers a request that no exchange stands for (any more).
void Http2Request::answer(const HttpRefusal& why) {
  ResponseHead head;
  const std::string body = make_refusal(connection_.server_.options, why, head);
  send_head(head);
  const std::string_view bytes = body;
  send(std::span(&bytes, 1));
  end_response();
}

void Http2Request::flush_soon() {
  connection_.wait_writable(*this);
}

void Http2Request::look_writable() {
  if (exchange_ == nullptr || !exchange_->writable_) return;
  if (stream_->queued() > connection_.server_.options.high_water / 2) {
    if (wait_ != Wait::reader) wait_for(Wait::reader);
    connection_.waiting_.push_back(this);
    return;
  }
  if (wait_ == Wait::reader) wait_for(Wait::none);
  auto ready = std::exchange(exchange_->writable_, nullptr);
  ready();
}

// -- Its end.

// A client that is still sending sees an answer only if it is not stopped at once.
bool Http2Request::reads_on() {
  wait_for(Wait::rest);
  return true;
}

void Http2Request::closed(bool answered) {
  wait_for(Wait::none);
  stream_ = nullptr;
  fresh_.reset();
  connection_.heads_ -= std::exchange(head_bytes_, 0);
  std::erase(connection_.fresh_, this);
  std::erase(connection_.waiting_, this);
  connection_.put_back(*this);
  if (answered) return forget();  // an answer without a body leaves whole before its finish()
  if (HttpExchange* const exchange = std::exchange(exchange_, nullptr)) exchange->lost();
}

void Http2Request::wait_for(Wait what) {
  const HttpServerOptions& options = connection_.server_.options;
  wait_ = what;
  switch (what) {
    case Wait::none:
      return timer_.disarm();
    case Wait::body:
      return timer_.arm_at(std::min(Clock::now() + options.body_pause, body_deadline_));
    case Wait::reader:
      left_ = stream_->queued();
      return timer_.arm(options.write_pause);
    case Wait::rest:
      return timer_.arm(kHttpLinger);
  }
}

void Http2Request::on_timer() {
  const auto self = connection_.shared_from_this();
  switch (std::exchange(wait_, Wait::none)) {
    case Wait::none:
      return;
    case Wait::body:
      return fail_body(Code::timeout, kBodyTooSlow);
    case Wait::reader:
      if (stream_->queued() == 0) return;
      if (stream_->queued() < left_) return wait_for(Wait::reader);
      count(connection_.server_.options.refusals, Refusal::http1_timeout);
      return stream_->reset(Http2Error::cancel);  // closed() tells who waits
    case Wait::rest:
      return stream_->reset(Http2Error::no_error);
  }
}

}  // namespace pointsman
