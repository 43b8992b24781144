#include "pointsman/wire/http_connection.h"

#include <algorithm>
#include <utility>

namespace pointsman {
namespace {

// Bytes kept of what the peer sends before anybody wants it. After these it is held back.
constexpr std::size_t kAhead = 64 * 1024;

// A body that nobody asked for is read up to this size so that the connection can go on.
constexpr std::uint64_t kSkip = 256 * 1024;

// After the last response the peer may send this many bytes before it closes; a close while bytes
// arrive would destroy what it has not yet read.
constexpr std::size_t kLingerBytes = 4 << 20;

// Whether the peer begins an HTTP/2 connection (RFC 9113 3.4) without having asked by ALPN. No
// method is called PRI.
bool begins_http2(std::string_view bytes) {
  return bytes.starts_with("PRI ");
}

// Whether it begins with a request line of another protocol, or with what is nearly HTTP/2's
// preface: three words of which the last is no version of HTTP. Nobody knows in which language to
// answer such a peer. Whatever else is no request is answered as broken HTTP/1.1.
bool begins_neither(std::string_view bytes) {
  bytes.remove_prefix(std::min(bytes.find_first_not_of("\r\n"), bytes.size()));
  const std::size_t end = bytes.find_first_of("\r\n");
  if (end == std::string_view::npos) return false;
  const std::string_view line = bytes.substr(0, end);
  const std::size_t last = line.rfind(' ');
  return std::ranges::count(line, ' ') == 2 && !line.substr(last + 1).starts_with("HTTP/");
}

}  // namespace

HttpConnection::HttpConnection(HttpServer::State& server, std::unique_ptr<Stream> stream)
    : server_(server),
      stream_(std::move(stream)),
      timer_(server.loop, [this] { on_timer(); }),
      scanner_(server.options.head_bytes) {}

void HttpConnection::begin() {
  set_timer();
  wait();
}

void HttpConnection::drain() {
  const auto self = shared_from_this();
  keep_ = false;
  if (exchange_ != nullptr || phase_ != Phase::head || scanner_.begun()) return;
  closing_ = Closing::after_flush;
  flush_soon();
}

void HttpConnection::shut() {
  closed_ = true;
  const bool cut = exchange_ != nullptr;  // the client must not take it for a whole response
  if (cut) exchange_->connection_ = nullptr;
  exchange_ = nullptr;
  timer_.disarm();
  stream_->close(cut);
}

void HttpConnection::close(bool reset) {
  if (std::exchange(closed_, true)) return;
  timer_.disarm();
  stream_->close(reset);
  server_.remove(*this);
}

bool HttpConnection::wants_more() const {
  return phase_ == Phase::head || phase_ == Phase::linger ||
         (phase_ == Phase::body && body_ != Body::unasked) || pending_.size() < kAhead;
}

// Waits for more from the peer if there is room for it, else only for its end.
void HttpConnection::wait() {
  if (closed_) return;
  if (wants_more()) {
    stream_->when_readable([this] { on_readable(); });
  } else {
    stream_->when_over([this] { on_over(); });
  }
}

void HttpConnection::on_over() {
  const auto self = shared_from_this();
  if (!closed_ && exchange_ != nullptr && !wants_more()) lost();
}

void HttpConnection::on_readable() {
  const auto self = shared_from_this();
  if (receive_directly()) return;
  const std::span<char> room = loop().scratch();
  const auto got = stream_->read(room);
  if (!got || got->end) {
    // A peer that only stopped sending may still read the response that is on its way.
    const bool only_sending = got && exchange_ == nullptr && unsent() > 0;
    if (only_sending) {
      closing_ = Closing::after_flush;
    } else {
      lost();
    }
    return;
  }
  if (got->bytes == 0) {
    wait();
    return;
  }
  if (std::exchange(fresh_, false) && server_.options.http2) {
    const std::string_view first(room.data(), got->bytes);
    if (begins_http2(first)) {
      closed_ = true;
      timer_.disarm();
      server_.connections.erase(this);
      server_.serve_http2(std::move(stream_), first);
      return;
    }
    if (begins_neither(first)) return lost();
  }
  if (phase_ == Phase::linger) {
    lingered_ += got->bytes;
    if (lingered_ > kLingerBytes) close();
  } else {
    feed({room.data(), got->bytes});
  }
  wait();
}

// Reads a body of known length straight to where it is wanted. False: not the case.
bool HttpConnection::receive_directly() {
  if (phase_ != Phase::body || body_ != Body::gathered || framing_.kind != Framing::Kind::length ||
      !pending_.empty()) {
    return false;
  }
  BodyBuffer& into = *exchange_->into_;
  const auto got = stream_->read(into.room(static_cast<std::size_t>(body_left_)));
  if (!got || got->end) {
    lost();
    return true;
  }
  into.grow(got->bytes);
  body_left_ -= got->bytes;
  if (!hold(got->bytes)) return true;
  set_timer();
  if (body_left_ == 0) {
    deliver({}, true);
    feed({});
  }
  wait();
  return true;
}

void HttpConnection::feed(std::string_view bytes) {
  if (pending_.empty()) {
    input_ = bytes;
    run();
    return;
  }
  pending_ += bytes;
  resume();
}

// Goes on with the bytes at hand.
void HttpConnection::resume() {
  if (running_ || closed_) return;
  const auto self = shared_from_this();
  const std::string held = std::exchange(pending_, {});
  input_ = held;
  run();
  wait();
}

void HttpConnection::run() {
  running_ = true;
  while (!closed_ && step()) {
  }
  running_ = false;
  if (!closed_ && phase_ != Phase::linger) pending_.assign(input_);
  input_ = {};
}

// Makes one piece of progress; false if that takes more bytes or somebody's decision.
bool HttpConnection::step() {
  if (closing_ != Closing::no) {
    input_ = {};
    return false;
  }
  switch (phase_) {
    case Phase::head:
      return step_head();
    case Phase::body:
      return step_body();
    case Phase::response:
    case Phase::linger:
      return false;
  }
  return false;
}

bool HttpConnection::step_head() {
  const auto head = scanner_.take(input_);
  if (!head) {
    refuse(head.error());
    return false;
  }
  if (head->empty()) {
    if (scanner_.begun() && !head_timed_) set_timer();
    return false;
  }
  begin_request(*head);
  return true;
}

void HttpConnection::begin_request(std::string_view text) {
  auto exchange = std::unique_ptr<HttpExchange>(new HttpExchange(loop()));  // NOLINT: private
  bare_ = false;
  const HeadLimits limits{server_.options.head_bytes, server_.options.fields};
  RequestHead& head = exchange->head_;
  auto parsed = parse_request_head(text, limits, head);
  if (parsed) {
    if (const auto framing = request_framing(head)) {
      framing_ = *framing;
    } else {
      parsed = std::unexpected(framing.error());
    }
  }
  if (!parsed) return refuse(parsed.error());
  if (!accept_request(*exchange)) return;
  exchange->connection_ = this;
  exchange_ = exchange.get();
  server_.handler(std::move(exchange));
}

// Prepares for a well-formed request; false if it is refused all the same.
bool HttpConnection::accept_request(HttpExchange& exchange) {
  const RequestHead& head = exchange.head_;
  bare_ = head.method == "HEAD";
  const Expectation expected = expectation(head.fields);
  if (expected == Expectation::unknown) {
    refuse(kUnknownExpectation);
    return false;
  }
  if (framing_.length > server_.options.body_bytes) {
    refuse(kBodyTooLarge);
    return false;
  }
  old_ = head.minor == 0;
  keep_ = keeps_open(head.minor, head.fields) && !server_.draining && !server_.parting;
  continue_ = expected == Expectation::go_ahead && !old_;
  body_ = Body::unasked;
  body_left_ = framing_.length;
  body_seen_ = 0;
  body_deadline_ = server_.options.body_time.count() > 0 && framing_.kind != Framing::Kind::none
                       ? Clock::now() + server_.options.body_time
                       : Clock::time_point::max();
  decoder_.clear();
  exchange.peer_ = peer();
  if (framing_.kind != Framing::Kind::chunked) exchange.body_size_ = framing_.length;
  const bool has_body = framing_.kind == Framing::Kind::chunked || body_left_ > 0;
  phase_ = has_body ? Phase::body : Phase::response;
  head_timed_ = false;
  set_timer();
  return true;
}

bool HttpConnection::step_body() {
  if (body_ == Body::unasked) return false;
  std::string_view piece;
  bool last = false;
  if (framing_.kind == Framing::Kind::length) {
    piece = input_.substr(
        0, static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, input_.size())));
    input_.remove_prefix(piece.size());
    body_left_ -= piece.size();
    last = body_left_ == 0;
  } else {
    const auto taken = decoder_.take(input_);
    if (!taken) {
      fail_body(Code::bad_request, taken.error());
      return false;
    }
    piece = *taken;
    last = decoder_.done();
    if (last && decoder_.has_trailers() && exchange_ != nullptr) {
      if (const auto read = decoder_.trailers(exchange_->trailers_); !read) {
        fail_body(Code::bad_request, read.error());
        return false;
      }
    }
  }
  body_seen_ += piece.size();
  if (body_seen_ > server_.options.body_bytes) {
    fail_body(Code::too_large, kBodyTooLarge);
    return false;
  }
  if (body_ == Body::skipped && body_seen_ > kSkip) {
    phase_ = Phase::response;
    keep_ = false;
    next_request();
    return false;
  }
  if (piece.empty() && !last) return false;
  deliver(piece, last);
  return true;
}

// Keeps a piece of the body, or skips it.
void HttpConnection::deliver(std::string_view piece, bool last) {
  if (last) phase_ = Phase::response;
  set_timer();
  if (body_ == Body::skipped) {
    if (last) next_request();
    return;
  }
  if (!hold(piece.size())) return;
  exchange_->into_->append(piece);
  if (last) exchange_->body_ended();
}

void HttpConnection::gather() {
  BodyBuffer& into = *exchange_->into_;
  into.clear();
  into.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, BodyBuffer::kFirst)));
  if (phase_ != Phase::body) return exchange_->body_ended();
  body_ = Body::gathered;
  if (std::exchange(continue_, false) && input_.empty() && pending_.empty()) {
    outbox_ += "HTTP/1.1 100 Continue\r\n\r\n";
    flush_soon();
  }
  set_timer();
  resume();
}

}  // namespace pointsman
