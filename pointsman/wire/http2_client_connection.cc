#include "pointsman/wire/http2_client_connection.h"

#include <algorithm>
#include <nghttp2/nghttp2.h>

namespace pointsman {
namespace {

// Turns of reading or writing that one connection may take before the others have theirs.
constexpr int kTurns = 4;

// Calls that wait for one connection to open: as many as most peers allow on one.
constexpr std::size_t kMostWaiting = 100;

using Streams = std::vector<std::unique_ptr<Http2ClientStream>>;

}  // namespace

Http2ClientConnection::Http2ClientConnection(HttpClient::State& client, const HttpTarget& target)
    : client_(&client),
      loop_(client.loop),
      options_(client.options),
      target_(target),
      timer_(client.loop, [this] { on_timer(); }) {
  make_session();
}

Http2ClientConnection::~Http2ClientConnection() {
  nghttp2_session_del(session_);
}

// -- Calls.

bool Http2ClientConnection::has_room() const {
  switch (phase_) {
    case Phase::connecting:
    case Phase::greeting:
      return waiting_.size() < std::min(kMostWaiting, options_.streams);
    case Phase::open:
      return !silent_ && !unsendable_ && streams_.size() < allowed() && may_request();
    default:
      return false;
  }
}

void Http2ClientConnection::take(std::unique_ptr<Http2ClientStream> stream) {
  stream->connection_ = this;
  if (phase_ == Phase::open) {
    begin(std::move(stream));
  } else {
    waiting_.push_back(std::move(stream));
  }
}

void Http2ClientConnection::begin(std::unique_ptr<Http2ClientStream> stream) {
  Http2ClientStream& begun = *stream;
  begun.connection_ = this;
  begun.place_ = streams_.size();
  begun.id_ = submit(begun);
  begun.first_ = begun.id_ == 1;
  begun.sent();
  streams_.push_back(std::move(stream));
  if (streams_.size() == 1) set_timer();
  flush_later();
}

// The place of a call that is over. Its functions may be on the stack, so it is used again only
// after them.
void Http2ClientConnection::give_back(Http2ClientStream& stream) {
  if (stream.id_ == 0) {
    const auto found =
        std::ranges::find(waiting_, &stream, &std::unique_ptr<Http2ClientStream>::get);
    if (found == waiting_.end()) return;
    spent_.push_back(std::move(*found));
    waiting_.erase(found);
  } else {
    std::unique_ptr<Http2ClientStream>& place = streams_[stream.place_];
    spent_.push_back(std::move(place));
    if (&place != &streams_.back()) {
      place = std::move(streams_.back());
      place->place_ = stream.place_;
    }
    streams_.pop_back();
  }
  if (phase_ == Phase::closed) return look_done();
  if (streams_.empty() && phase_ == Phase::open) set_timer();
  flush_later();
}

// The peer's SETTINGS are here: who waited begins, as many as it allows. The others go to another
// connection, unless this one took nobody.
void Http2ClientConnection::opened() {
  bool any = false;
  for (auto& stream : std::exchange(waiting_, {})) {
    if (has_room()) {
      begin(std::move(stream));
      any = true;
    } else if (any && client_ != nullptr) {
      client_->place(std::move(stream), target_);
    } else {
      waiting_.push_back(std::move(stream));
    }
  }
  if (!waiting_.empty()) lost(Code::io, target_.address.text() + " takes no requests");
  set_timer();
}

// -- The socket.

void Http2ClientConnection::connect() {
  timer_.arm(options_.connect);
  connecting_ = pointsman::connect(
      loop_, target_.address,
      {.timeout = options_.connect, .tls = target_.tls, .server_name = tls_server_name(target_)},
      [this](auto stream) { connected(std::move(stream)); });
}

void Http2ClientConnection::connected(Result<std::unique_ptr<Stream>> stream) {
  const auto self = shared_from_this();
  connecting_.reset();
  if (!stream) return lost(stream.error().code, stream.error().message);
  if (target_.tls && (*stream)->alpn() != "h2") {
    return lost(Code::io, target_.address.text() + " does not agree to speak HTTP/2");
  }
  ++client_->connected;
  stream_ = *std::move(stream);
  phase_ = Phase::greeting;
  stream_->when_readable([this] { read(); });
  flush();
}

void Http2ClientConnection::read() {
  const auto self = shared_from_this();
  const std::span<char> room = loop_.scratch();
  for (int turn = 0; turn < kTurns; ++turn) {
    const auto got = stream_->read(room);
    if (!got) return lost(Code::io, got.error().message);
    if (got->end) return lost(Code::io, target_.address.text() + " closed the connection");
    if (got->bytes == 0) break;
    if (!feed({room.data(), got->bytes})) return;
    if (got->bytes < room.size()) break;
  }
  if (phase_ != Phase::greeting && !waiting_.empty()) opened();
  if (phase_ == Phase::closed) return;
  stream_->when_readable([this] { read(); });
  flush();
}

// False: the connection is closed.
bool Http2ClientConnection::feed(std::string_view bytes) {
  const bool first = heard_ == 0;
  heard_ += bytes.size();
  heard_at_ = Clock::now();
  asked_ = silent_ = false;
  if (first && bytes.starts_with("HTTP/1")) {
    lost(Code::bad_gateway, target_.address.text() + " speaks HTTP/1.1, not HTTP/2");
    return false;
  }
  const ssize_t used = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (phase_ == Phase::closed) return false;
  if (used >= 0) return true;
  lost(Code::bad_gateway, target_.address.text() + " broke the rules of HTTP/2 (" +
                              nghttp2_strerror(static_cast<int>(used)) + ")");
  return false;
}

void Http2ClientConnection::flush_later() {
  if (flushing_ || phase_ == Phase::closed) return;
  flushing_ = true;
  loop_.defer([self = shared_from_this()] {
    self->flushing_ = false;
    self->flush();
  });
}

void Http2ClientConnection::flush() {
  if (phase_ == Phase::closed || phase_ == Phase::connecting) return;
  if (client_ != nullptr) std::ranges::move(spent_, std::back_inserter(client_->spare_streams));
  spent_.clear();
  if (blocked_) return;
  for (int turn = 0; turn < kTurns; ++turn) {
    pump();
    if (phase_ == Phase::closed) return;
    if (out_.empty() || unsendable_) return look_left();
    const std::string_view out = out_.bytes();
    const auto taken = stream_->write(std::span(&out, 1));
    if (!taken) {
      unsendable_ = true;  // reading finds out why
      return;
    }
    out_.consume(*taken);
    if (*taken == out.size()) continue;
    blocked_ = true;
    stream_->when_writable([this] {
      const auto self = shared_from_this();
      blocked_ = false;
      flush();
    });
    return;
  }
  flush_later();
}

// -- Its end.

// Everything is said for now. Is that all?
void Http2ClientConnection::look_left() {
  if (wants_nothing()) {
    lost(Code::bad_gateway, target_.address.text() + " broke the rules of HTTP/2");
  } else if (streams_.empty() && (phase_ == Phase::leaving || silent_)) {
    close();
  }
}

// No more calls; those that are here may end.
void Http2ClientConnection::leave() {
  phase_ = Phase::leaving;
  if (client_ != nullptr) client_->retire(*this);
  flush_later();
}

void Http2ClientConnection::lost(Code code, const std::string& what) {
  if (phase_ == Phase::closed) return;
  const auto self = shared_from_this();
  close();
  for (const auto& stream : streams_) stream->closed_ = true;
  // Each of the sinks may end others of these calls. An answer that is here whole stays.
  while (!waiting_.empty()) fail_one(*waiting_.back(), code, what);
  const auto broken = [](const auto& stream) {
    return stream->call_ == nullptr || !stream->ended_;
  };
  for (;;) {
    const auto next = std::ranges::find_if(streams_, broken);
    if (next == streams_.end()) break;
    fail_one(**next, code, what);
  }
  look_done();
}

void Http2ClientConnection::fail_one(Http2ClientStream& stream, Code code,
                                     const std::string& what) {
  give_back(stream);
  stream.lost(code, what);
}

void Http2ClientConnection::close() {
  const auto self = shared_from_this();
  phase_ = Phase::closed;
  timer_.disarm();
  connecting_.reset();
  if (stream_) stream_->close();
  if (client_ != nullptr) client_->retire(*this);
  look_done();
}

// It stays until whoever pauses has taken the rest of an answer.
void Http2ClientConnection::look_done() {
  if (streams_.empty() && waiting_.empty() && client_ != nullptr) {
    std::exchange(client_, nullptr)->remove(*this);
  }
}

void Http2ClientConnection::shut() {
  client_ = nullptr;
  for (const auto& stream : streams_) stream->drop();
  for (const auto& stream : waiting_) stream->drop();
  phase_ = Phase::closed;
  timer_.disarm();
  connecting_.reset();
  if (stream_) stream_->close();
}

// -- Time.

void Http2ClientConnection::set_timer() {
  if (phase_ != Phase::open && phase_ != Phase::leaving) return;
  timer_.arm(streams_.empty() ? options_.keep : options_.quiet);
}

void Http2ClientConnection::on_timer() {
  const auto self = shared_from_this();
  if (phase_ == Phase::connecting || phase_ == Phase::greeting) {
    return lost(Code::timeout, target_.address.text() + " took too long to begin with HTTP/2");
  }
  if (streams_.empty()) {
    nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
    flush();
    if (phase_ != Phase::closed) close();
    return;
  }
  const auto quiet_until = heard_at_ + options_.quiet;
  if (Clock::now() < quiet_until) return timer_.arm_at(quiet_until);
  timer_.arm(options_.quiet);
  if (std::exchange(asked_, true)) {
    silent_ = true;
  } else {
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
    flush_later();
  }
}

}  // namespace pointsman
