// What HttpConnection does about peers that are slow, leave or send too much.

#include <algorithm>
#include <utility>

#include "pointsman/wire/http_connection.h"

namespace pointsman {
// Accounts for bytes of a body that is kept; false: there is no memory left, and the request is
// refused.
bool HttpConnection::hold(std::size_t bytes) {
  if (exchange_->memory_.take(server_.options.memory, bytes)) return true;
  fail_body(Code::unavailable, kNoMemory);
  return false;
}

// The request's body cannot be had: answers the client if that is still possible, and tells
// whoever waits for the body.
void HttpConnection::fail_body(Code code, const HttpRefusal& why) {
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
    refuse(why);
  }
  exchange->body_failed(code, why.why);
}

// The connection is of no more use: the peer has closed or broken it, or takes nothing.
void HttpConnection::lost() {
  HttpExchange* const exchange = std::exchange(exchange_, nullptr);
  close(blocked_);
  if (exchange != nullptr) exchange->lost();
}

void HttpConnection::set_timer() {
  if (closed_) return;
  const HttpServerOptions& options = server_.options;
  if (blocked_) {
    timer_.arm(options.write_pause);
  } else if (phase_ == Phase::linger) {
    timer_.arm(kHttpLinger);
  } else if (phase_ == Phase::head) {
    head_timed_ = scanner_.begun();
    timer_.arm(head_timed_ ? options.head_time : options.idle);
  } else if (phase_ == Phase::body && body_ != Body::unasked) {
    timer_.arm_at(std::min(Clock::now() + options.body_pause, body_deadline_));
  } else {
    timer_.disarm();
  }
}

void HttpConnection::on_timer() {
  const auto self = shared_from_this();
  if (blocked_) {
    count(server_.options.refusals, Refusal::http1_timeout);
    lost();
  } else if (phase_ == Phase::body) {
    fail_body(Code::timeout, kBodyTooSlow);
  } else if (phase_ == Phase::head && head_timed_) {
    refuse({408, "the request took too long"});
  } else {
    close();
  }
}

}  // namespace pointsman
