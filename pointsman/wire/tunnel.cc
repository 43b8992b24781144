#include "pointsman/wire/tunnel.h"

#include <span>
#include <string_view>
#include <utility>

namespace pointsman {

Tunnel::Tunnel(Loop& loop, TunnelEnd one, TunnelEnd other, std::chrono::nanoseconds idle,
               Loop::Task done)
    : loop_(loop),
      a_{.stream = std::move(one.stream), .unsent = std::move(one.unsent)},
      b_{.stream = std::move(other.stream), .unsent = std::move(other.unsent)},
      idle_(idle),
      timer_(loop, [this] { over(); }),
      done_(std::move(done)) {
  if (idle_.count() > 0) timer_.arm(idle_);
  flush(a_);
  flush(b_);
}

void Tunnel::listen(Side& from) {
  from.stream->when_readable([this, &from] { read(from); });
}

void Tunnel::read(Side& from) {
  Side& to = other(from);
  const std::span<char> room = loop_.scratch();
  const auto got = from.stream->read(room);
  if (!got) return over();
  if (got->end) {
    from.ended = true;
    to.stream->finish();
    if (to.ended) over();
    return;
  }
  if (idle_.count() > 0) timer_.arm(idle_);
  to.unsent.assign(room.data(), got->bytes);
  to.sent = 0;
  flush(to);
}

// Sends what is kept for `to`; the other side is read on when all of it has gone.
void Tunnel::flush(Side& to) {
  if (over_) return;
  const std::string_view rest = std::string_view(to.unsent).substr(to.sent);
  if (!rest.empty()) {
    const auto sent = to.stream->write(std::span(&rest, 1));
    if (!sent) return over();
    to.sent += *sent;
    if (*sent < rest.size()) {
      to.stream->when_writable([this, &to] { flush(to); });
      return;
    }
  }
  listen(other(to));
}

void Tunnel::over() {
  if (std::exchange(over_, true)) return;
  timer_.disarm();
  a_.stream->close();
  b_.stream->close();
  loop_.defer([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) std::exchange(done_, nullptr)();
  });
}

}  // namespace pointsman
