#include "pointsman/wire/tcp_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <utility>

#include "pointsman/wire/loop_core.h"

namespace pointsman {
namespace {

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

void set(int fd, int level, int option, int value) {
  // Only hints to the kernel: a socket that refuses one works without it.
  ::setsockopt(fd, level, option, &value, sizeof(value));
}

// Small writes leave at once, and a peer that vanished without a word is found in two minutes.
void tune(int fd) {
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

}  // namespace

TcpStream::TcpStream(Loop& loop, std::unique_ptr<Watch> socket, const Address& peer,
                     std::shared_ptr<void> token)
    : loop_(loop), peer_(peer), watch_(std::move(socket)), token_(std::move(token)) {
  tune(watch_->fd());
}

TcpStream::~TcpStream() {
  close(false);
}

void TcpStream::when_readable(Ready ready) {
  if (open()) watch_->when_readable(std::move(ready));
}

void TcpStream::ignore_readable() {
  if (open()) watch_->ignore_readable();
}

void TcpStream::when_over(Ready ready) {
  if (open()) watch_->when_over(std::move(ready));
}

void TcpStream::when_writable(Ready ready) {
  if (open()) watch_->when_writable(std::move(ready));
}

Result<ReadResult> TcpStream::read(std::span<char> into) {
  if (!open()) return fail(Code::io, "the connection is closed");
  if (into.empty()) return ReadResult{};
  ssize_t got = 0;
  do {
    got = ::recv(watch_->fd(), into.data(), into.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    const auto bytes = static_cast<std::size_t>(got);
    if (bytes < into.size()) watch_->drained();
    return ReadResult{.bytes = bytes};
  }
  if (got == 0) return ReadResult{.end = true};
  if (!would_block(errno)) return failure("cannot read from ");
  watch_->drained();
  return ReadResult{};
}

Result<std::size_t> TcpStream::write(std::span<const std::string_view> parts) {
  if (!open()) return fail(Code::io, "the connection is closed");
  std::size_t taken = 0;
  while (!parts.empty()) {
    // A kilobyte, of which most writes use the first pieces: not worth clearing.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
    std::array<iovec, 64> pieces;
    const std::size_t count = std::min(parts.size(), pieces.size());
    std::size_t offered = 0;
    for (std::size_t i = 0; i < count; ++i) {
      // sendmsg() only reads; its iovec has no const.
      pieces[i] = {const_cast<char*>(parts[i].data()), parts[i].size()};  // NOLINT
      offered += parts[i].size();
    }
    if (offered > 0) {
      msghdr message{};
      message.msg_iov = pieces.data();
      message.msg_iovlen = count;
      ssize_t sent = 0;
      do {
        sent = ::sendmsg(watch_->fd(), &message, MSG_NOSIGNAL);
      } while (sent < 0 && errno == EINTR);
      if (sent < 0 && !would_block(errno)) return failure("cannot write to ");
      taken += static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
      if (sent < 0 || static_cast<std::size_t>(sent) < offered) {
        watch_->filled();
        return taken;
      }
    }
    parts = parts.subspan(count);
  }
  return taken;
}

void TcpStream::finish() {
  if (open()) ::shutdown(watch_->fd(), SHUT_WR);
}

void TcpStream::close(bool reset) {
  if (!open()) return;
  if (reset) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(watch_->fd(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  }
  // The callbacks may own the caller: they die last, with nothing of this used after them.
  const auto watch = std::move(watch_);
  watch->close();
  const auto token = std::move(token_);
}

std::unexpected<Error> TcpStream::failure(const char* what) const {
  return fail(Code::io, what + peer_.text() + ": " + error_name(errno));
}

}  // namespace pointsman
