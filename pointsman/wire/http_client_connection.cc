#include "pointsman/wire/http_client_connection.h"

#include <algorithm>
#include <utility>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

// Interim answers (1xx) before one final; nobody needs more.
constexpr int kMostInterim = 16;

// Whether a 101 says how it goes on, and in nothing but what was asked for (RFC 9110 7.8).
bool names_one_of(std::string_view asked, const HttpFields& answer) {
  std::string_view named = answer.find("upgrade").value_or(std::string_view());
  bool any = false;
  while (!named.empty()) {
    const std::string_view one = trim(take_part(named, ','));
    bool known = false;
    for (std::string_view rest = asked; !rest.empty();) {
      known = same_name(trim(take_part(rest, ',')), one) || known;
    }
    if (!known) return false;
    any = any || !one.empty();
  }
  return any;
}

}  // namespace

Clock::time_point deadline_after(std::chrono::nanoseconds limit) {
  return limit.count() <= 0 ? Clock::time_point::max() : Clock::now() + limit;
}

std::string tls_server_name(const HttpTarget& target) {
  const auto named = HostPort::parse(target.host, 1);
  return named ? named->host : target.address.host();
}

bool needs_length(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

HttpClientConnection::HttpClientConnection(HttpClient::State& client, HttpPoolKey key,
                                           const HttpTarget& target)
    : client_(client),
      key_(std::move(key)),
      tls_(target.tls),
      timer_(client.loop, [this] { on_timer(); }),
      scanner_(client.options.head_bytes) {}

void HttpClientConnection::start(HttpCall& call, const HttpTarget& target, const RequestHead& head,
                                 std::span<const std::string_view> body, HttpSink& sink,
                                 const HttpFields* trailers) {
  call_ = &call;
  hold(call, *this);
  sink_ = &sink;
  std::uint64_t length = 0;
  for (const auto& part : body) length += part.size();
  write_head(target, head, length, trailers);
  parts_.assign(1, text_);
  parts_.insert(parts_.end(), body.begin(), body.end());
  if (trailers != nullptr) {
    write_tail(length, *trailers);
    parts_.push_back(tail_);
  }
  part_ = 0;
  unsendable_ = false;
  answered_ = false;
  paused_ = false;
  interim_ = 0;
  total_deadline_ = deadline_after(client_.options.total);
  if (phase_ == Phase::idle) {
    used_ = true;
    phase_ = Phase::waiting;
    phase_deadline_ = deadline_after(client_.options.first_byte);
    set_timer();
    send();
    wait();
    return;
  }
  set_timer();
  connecting_ = connect(
      client_.loop, target.address,
      {.timeout = client_.options.connect, .tls = tls_, .server_name = tls_server_name(target)},
      [this](auto stream) { connected(std::move(stream)); });
}

void HttpClientConnection::connected(Result<std::unique_ptr<Stream>> stream) {
  const auto self = shared_from_this();
  connecting_.reset();
  if (!stream) {
    fail(stream.error().code, stream.error().message);
    return;
  }
  ++client_.connected;
  stream_ = *std::move(stream);
  phase_ = Phase::waiting;
  phase_deadline_ = deadline_after(client_.options.first_byte);
  set_timer();
  send();
  wait();
}

void HttpClientConnection::wait() {
  if (phase_ == Phase::closed || paused_) return;
  stream_->when_readable([this] { on_readable(); });
}

void HttpClientConnection::on_readable() {
  const auto self = shared_from_this();
  if (paused_) return;  // resume() looks again
  const std::span<char> room = client_.loop.scratch();
  const auto got = stream_->read(room);
  if (got && !got->end && got->bytes == 0) {
    wait();
    return;
  }
  if (phase_ == Phase::idle) {
    close();  // the peer has closed it, or talks out of turn
    return;
  }
  if (!got) {
    fail(Code::io, got.error().message);
    return;
  }
  if (got->end) {
    ended();
    return;
  }
  take({room.data(), got->bytes});
}

void HttpClientConnection::ended() {
  if (phase_ == Phase::body && framing_.kind == Framing::Kind::until_close) {
    complete();
  } else {
    fail(Code::io,
         key_.address.text() + (answered_ ? " closed the connection in the middle of its answer"
                                          : " closed the connection without an answer"));
  }
}

// Passes on what the bytes hold. Each call of the sink may end everything.
void HttpClientConnection::take(std::string_view bytes) {
  if (!bytes.empty()) {
    answered_ = true;
    phase_deadline_ = deadline_after(client_.options.body_pause);
    set_timer();
  }
  HttpCall* const call = call_;
  taking_ = true;
  const auto going_on = [&] { return call_ == call && phase_ != Phase::closed && !paused_; };
  bool more = true;
  while (more && going_on()) {
    more = phase_ == Phase::waiting ? take_head(bytes) : take_body(bytes);
  }
  taking_ = false;
  if (call_ != call || phase_ == Phase::closed || phase_ == Phase::idle) return;
  pending_.assign(bytes);
  wait();
}

// True if there may be more to take.
bool HttpClientConnection::take_head(std::string_view& bytes) {
  const auto text = scanner_.take(bytes);
  if (!text) {
    refuse(text.error());
    return false;
  }
  if (text->empty()) return false;
  const HeadLimits limits{client_.options.head_bytes, client_.options.fields};
  if (const auto good = parse_response_head(*text, limits, head_); !good) {
    refuse(good.error());
    return false;
  }
  if (head_.status < 200) {
    if (head_.status == 101 && names_one_of(upgrade_, head_.fields)) {
      hand_over(std::exchange(bytes, {}));
      return false;
    }
    if (head_.status != 101 && ++interim_ <= kMostInterim) return true;
    refuse({502, head_.status == 101 ? "a protocol that was not asked for"
                                     : "too many interim answers"});
    return false;
  }
  const auto framing = response_framing(head_, method_);
  if (!framing) {
    refuse(framing.error());
    return false;
  }
  framing_ = *framing;
  left_ = framing_.length;
  decoder_.clear();
  phase_ = Phase::body;
  sink_->on_head(head_);
  return true;
}

bool HttpClientConnection::take_body(std::string_view& bytes) {
  std::string_view piece;
  bool last = false;
  switch (framing_.kind) {
    case Framing::Kind::none:
      last = true;
      break;
    case Framing::Kind::length:
      piece =
          bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
      bytes.remove_prefix(piece.size());
      left_ -= piece.size();
      last = left_ == 0;
      break;
    case Framing::Kind::chunked: {
      const auto taken = decoder_.take(bytes);
      if (!taken) {
        refuse(taken.error());
        return false;
      }
      piece = *taken;
      last = decoder_.done();
      break;
    }
    case Framing::Kind::until_close:
      piece = std::exchange(bytes, {});
      break;
  }
  if (!piece.empty()) {
    HttpCall* const call = call_;
    sink_->on_body(piece);
    if (call_ != call || phase_ != Phase::body) return false;
  }
  if (!last) return !bytes.empty();
  if (paused_) return false;  // the end comes after resume()
  if (decoder_.has_trailers() && !pass_trailers()) return false;
  if (!bytes.empty()) unsendable_ = true;  // bytes behind the answer: not to be used again
  complete();
  return false;
}

// False: they are malformed, or the call has ended.
bool HttpClientConnection::pass_trailers() {
  HttpFields trailers;
  if (const auto read = decoder_.trailers(trailers); !read) {
    refuse(read.error());
    return false;
  }
  HttpCall* const call = call_;
  if (!trailers.empty()) sink_->on_trailers(trailers);
  return call_ == call && phase_ == Phase::body;
}

// The answer is complete. The connection is ready for the next call before the sink hears of it.
void HttpClientConnection::complete() {
  const bool again = sent_all() && !unsendable_ && framing_.kind != Framing::Kind::until_close &&
                     keeps_open(head_.minor, head_.fields) && client_.may_keep(*this);
  HttpSink& sink = *sink_;
  let_go(call_);
  if (again) {
    if (text_.capacity() > HttpFields::kKept) text_ = std::string();
    phase_ = Phase::idle;
    total_deadline_ = Clock::time_point::max();
    phase_deadline_ = deadline_after(client_.options.keep);
    set_timer();
    client_.keep(*this);
    if (phase_ == Phase::idle) wait();
  } else {
    close();
  }
  sink.on_end();
}

// The connection becomes the sink's.
void HttpClientConnection::hand_over(std::string_view rest) {
  HttpSink& sink = *sink_;
  let_go(call_);
  stream_->ignore_readable();
  if (sending_) stream_->when_writable([] {});
  auto stream = std::move(stream_);
  close();
  sink.on_upgrade(head_, std::move(stream), rest);
}

void HttpClientConnection::refuse(const HttpRefusal& refusal) {
  fail(refusal.status == 431 ? Code::too_large : Code::bad_gateway,
       key_.address.text() + " sent a malformed answer: " + std::string(refusal.why));
}

void HttpClientConnection::fail(Code code, const std::string& what) {
  using Why = HttpFailure::Phase;
  Why why = Why::waiting;
  if (phase_ == Phase::connecting) {
    why = Why::connecting;
  } else if (answered_) {
    why = Why::answering;
  } else if (used_ && code != Code::timeout) {
    why = Why::stale;
  }
  HttpSink& sink = *sink_;
  let_go(call_);
  close();
  sink.on_failure({why, {code, what}});
}

void HttpClientConnection::cancel() {
  const auto self = shared_from_this();
  let_go(call_);
  close();
}

void HttpClientConnection::resume() {
  if (!std::exchange(paused_, false) || taking_) return;
  client_.loop.defer([weak = weak_from_this(), call = call_] {
    const auto self = weak.lock();
    if (!self || self->call_ != call || self->paused_ || self->taking_) return;
    const std::string held = std::exchange(self->pending_, {});
    self->take(held);
  });
}

void HttpClientConnection::shut() {
  if (call_ != nullptr) let_go(call_);
  phase_ = Phase::closed;
  timer_.disarm();
  connecting_.reset();
  if (stream_) stream_->close();
}

void HttpClientConnection::close() {
  if (phase_ == Phase::closed) return;
  if (phase_ == Phase::idle) client_.unkeep(*this);
  phase_ = Phase::closed;
  timer_.disarm();
  connecting_.reset();
  if (stream_) stream_->close();
  client_.remove(*this);
}

void HttpClientConnection::set_timer() {
  const auto next = std::min(total_deadline_, phase_deadline_);
  if (next == Clock::time_point::max()) {
    timer_.disarm();
  } else {
    timer_.arm_at(next);
  }
}

void HttpClientConnection::on_timer() {
  const auto self = shared_from_this();
  if (phase_ == Phase::idle) {
    close();
  } else if (paused_ && Clock::now() < total_deadline_) {
    // Our own pause, not the peer's; the clock starts again with the next bytes.
    phase_deadline_ = Clock::time_point::max();
    set_timer();
  } else {
    fail(Code::timeout, key_.address.text() + (phase_ == Phase::connecting ? " could not be reached"
                                               : answered_ ? " took too long to go on answering"
                                                           : " took too long to answer"));
  }
}

}  // namespace pointsman
