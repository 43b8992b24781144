#include "pointsman/wire/http2_connection.h"

#include <algorithm>
#include <utility>

namespace pointsman {
namespace {

// Turns of reading or writing that one connection may take before the others have theirs.
constexpr int kTurns = 4;

}  // namespace

Http2Connection::Http2Connection(HttpServer::State& server, std::unique_ptr<Stream> stream)
    : server_(server),
      stream_(std::move(stream)),
      timer_(server.loop, [this] { on_timer(); }),
      session_(std::in_place, server.http2_limits, static_cast<Http2Acceptor&>(*this),
               server.pool) {}

void Http2Connection::begin(std::string_view first) {
  const auto self = shared_from_this();
  set_timer();
  feed(first);
  listen();
  flush();
}

void Http2Connection::drain() {
  if (lingering_ || std::exchange(retiring_, true)) return;
  session_->drain();
  if (!blocked_) timer_.disarm();  // that of an idle connection: the peer now has less time
  set_timer();
  flush_later();
}

void Http2Connection::shut() {
  if (std::exchange(closed_, true)) return;
  timer_.disarm();
  const bool cut = session_->open_streams() > 0;
  for (Http2Request& request : requests_) request.forget();
  session_.reset();
  stream_->close(cut);
}

void Http2Connection::close() {
  if (std::exchange(closed_, true)) return;
  const auto self = shared_from_this();
  timer_.disarm();
  stream_->close();
  session_.reset();
  server_.remove(*this);
  // Its own callback may be running.
  server_.loop.defer([self] {});
}

void Http2Connection::listen() {
  if (closed_) return;
  stream_->when_readable([this] { read(); });
}

void Http2Connection::read() {
  const auto self = shared_from_this();
  const std::span<char> room = server_.loop.scratch();
  for (int turn = 0; turn < kTurns; ++turn) {
    const auto got = stream_->read(room);
    if (!got || got->end) return close();
    if (got->bytes == 0) break;
    if (!lingering_ && !feed({room.data(), got->bytes})) break;
    if (got->bytes < room.size()) break;
  }
  listen();
  flush();
}

// False: the peer broke the protocol.
bool Http2Connection::feed(std::string_view bytes) {
  closing_ = !session_->feed(bytes, Clock::now()).has_value();
  hand_over();
  return !closing_;
}

// Requests are handed over when all is read that came with them: a body that came too, or its
// absence, is then known.
void Http2Connection::hand_over() {
  while (!fresh_.empty()) {
    Http2Request* const request = fresh_.front();
    fresh_.pop_front();
    request->hand_over();
  }
}

Http2Exchange& Http2Connection::accept(Http2Stream& stream, std::span<const Http2Field> fields) {
  if (spare_.empty()) spare_.push_back(&requests_.emplace_back(*this));
  Http2Request* const request = spare_.back();
  spare_.pop_back();
  request->begin(stream, fields);
  fresh_.push_back(request);
  return *request;
}

void Http2Connection::wait_writable(Http2Request& request) {
  if (std::ranges::find(waiting_, &request) != waiting_.end()) return;
  waiting_.push_back(&request);
  flush_later();
}

void Http2Connection::flush_later() {
  if (flushing_ || closed_) return;
  flushing_ = true;
  server_.loop.defer([self = shared_from_this()] {
    self->flushing_ = false;
    self->flush();
  });
}

void Http2Connection::flush() {
  if (blocked_ || closed_ || lingering_) return;
  for (int turn = 0; turn < kTurns; ++turn) {
    const std::string_view out = session_->output();
    if (out.empty()) {
      if (closing_ || session_->done()) return linger();
      set_timer();
      look_writable();
      return;
    }
    const auto taken = stream_->write(std::span(&out, 1));
    if (!taken) return close();
    session_->sent(*taken);
    if (*taken < out.size()) {
      wait_for_room();
      return look_writable();
    }
  }
  look_writable();
  flush_later();
}

// All is said. A close while bytes arrive would destroy what the peer has not yet read.
void Http2Connection::linger() {
  lingering_ = true;
  stream_->finish();
  timer_.arm(kHttpLinger);
}

void Http2Connection::look_writable() {
  if (waiting_.empty()) return;
  for (Http2Request* const request : std::exchange(waiting_, {})) request->look_writable();
}

void Http2Connection::wait_for_room() {
  blocked_ = true;
  timer_.arm(server_.options.write_pause);
  stream_->when_writable([this] {
    const auto self = shared_from_this();
    blocked_ = false;
    timer_.disarm();
    flush();
  });
}

// A connection without requests has its time from when the last one ended; what else its peer says
// does not prolong it.
void Http2Connection::set_timer() {
  if (closed_ || blocked_ || lingering_) return;
  if (session_->open_streams() > 0) {
    timer_.disarm();
  } else if (!timer_.armed()) {
    timer_.arm(retiring_ ? server_.options.head_time : server_.options.idle);
  }
}

void Http2Connection::on_timer() {
  const auto self = shared_from_this();
  if (blocked_) count(server_.options.refusals, Refusal::http1_timeout);
  if (blocked_ || lingering_ || retiring_) return close();
  drain();
}

}  // namespace pointsman
