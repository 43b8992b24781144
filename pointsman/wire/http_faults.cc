// What HttpConnection does about peers that are slow, leave or send too much.

#include <algorithm>
#include <utility>

#include "pointsman/wire/http_connection.h"

namespace pointsman {
namespace {

// After the last response the peer gets this long to see it and close.
constexpr auto kLinger = std::chrono::seconds(2);

}  // namespace

// Accounts for bytes of a body that is kept; false: there is no memory left, and the request is
// refused.
bool HttpConnection::hold(std::size_t bytes) {
  ByteBudget* const memory = server_.options.memory;
  if (memory == nullptr || bytes == 0) return true;
  if (!memory->take(bytes)) {
    fail_body(Code::unavailable, 503, "too many request bodies in memory at once");
    return false;
  }
  exchange_->memory_ = memory;
  exchange_->held_ += bytes;
  return true;
}

// The request's body cannot be had: answers the client if that is still possible, and tells
// whoever waits for the body.
void HttpConnection::fail_body(Code code, int status, std::string_view why) {
  HttpExchange* const exchange = std::exchange(exchange_, nullptr);
  phase_ = Phase::response;
  input_ = {};
  if (exchange == nullptr) {  // it was being skipped after the response
    keep_ = false;
    next_request();
    return;
  }
  exchange->connection_ = nullptr;
  if (exchange->started_) {
    cut();
  } else {
    refuse(status, why);
  }
  if (auto done = std::exchange(exchange->gathered_, nullptr)) {
    done(fail(code, std::string(why)));
  } else if (auto chunk = std::exchange(exchange->chunk_, nullptr)) {
    chunk(fail(code, std::string(why)), true);
  }
}

// The connection is of no more use: the peer has closed or broken it, or takes nothing.
void HttpConnection::lost() {
  HttpExchange* const exchange = std::exchange(exchange_, nullptr);
  close(blocked_);
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

void HttpConnection::set_timer() {
  if (closed_) return;
  const HttpServerOptions& options = server_.options;
  if (blocked_) {
    timer_.arm(options.write_pause);
  } else if (phase_ == Phase::linger) {
    timer_.arm(kLinger);
  } else if (phase_ == Phase::head) {
    head_timed_ = scanner_.begun();
    timer_.arm(head_timed_ ? options.head_time : options.idle);
  } else if (phase_ == Phase::body && body_ != Body::unasked && body_ != Body::paused) {
    timer_.arm_at(std::min(Clock::now() + options.body_pause, body_deadline_));
  } else {
    timer_.disarm();
  }
}

void HttpConnection::on_timer() {
  const auto self = shared_from_this();
  if (blocked_) {
    count(Refusal::http1_timeout);
    lost();
  } else if (phase_ == Phase::body) {
    fail_body(Code::timeout, 408, "the body took too long");
  } else if (phase_ == Phase::head && head_timed_) {
    refuse(408, "the request took too long");
  } else {
    close();
  }
}

}  // namespace pointsman
