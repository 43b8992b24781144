#include "pointsman/wire/tcp_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>

#include "pointsman/wire/loop_core.h"

namespace pointsman {
namespace {

// Memory for one pending operation of Asio, used again for the next: waiting allocates nothing.
class Slot {
 public:
  void* allocate(std::size_t bytes) {
    if (taken_ || bytes > sizeof(room_)) return ::operator new(bytes);
    taken_ = true;
    return room_.data();
  }
  void deallocate(void* memory) {
    if (memory == room_.data()) {
      taken_ = false;
    } else {
      ::operator delete(memory);
    }
  }

 private:
  alignas(std::max_align_t) std::array<std::byte, 160> room_{};
  bool taken_ = false;
};

template <typename T>
class SlotAllocator {
 public:
  using value_type = T;

  explicit SlotAllocator(Slot& slot) : slot_(&slot) {}
  template <typename U>
  SlotAllocator(const SlotAllocator<U>& other) : slot_(other.slot_) {}  // NOLINT: rebinding

  T* allocate(std::size_t n) { return static_cast<T*>(slot_->allocate(n * sizeof(T))); }
  void deallocate(T* memory, std::size_t /*n*/) { slot_->deallocate(memory); }

  template <typename U>
  friend class SlotAllocator;
  friend bool operator==(const SlotAllocator&, const SlotAllocator&) = default;

 private:
  Slot* slot_;
};

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

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

struct TcpStream::Watch {
  struct Side {
    Ready ready;
    bool waiting = false;  // the reactor holds an operation
    Slot slot;
  };

  // Completion of a wait. Keeps the watch, and with it the operation's own memory, alive.
  struct Woken {
    using allocator_type = SlotAllocator<void>;
    allocator_type get_allocator() const { return allocator_type(side().slot); }

    Side& side() const { return writing ? watch->writing : watch->reading; }
    void operator()(const boost::system::error_code& /*error*/) {
      side().waiting = false;
      if (!watch->socket.is_open()) return;
      // A broken socket counts as ready: the next read or write says what is wrong.
      if (Ready ready = std::exchange(side().ready, nullptr)) {
        const LoopCore::Turn turn(watch->core);
        ready();
      }
    }

    std::shared_ptr<Watch> watch;
    bool writing;
  };

  Watch(LoopCore& of, Socket connected) : core(of), socket(std::move(connected)) {}

  static void wait(const std::shared_ptr<Watch>& watch, bool writing) {
    Side& side = writing ? watch->writing : watch->reading;
    if (side.waiting) return;
    side.waiting = true;
    watch->socket.async_wait(writing ? Socket::wait_write : Socket::wait_read,
                             Woken{watch, writing});
  }

  LoopCore& core;
  Socket socket;
  Side reading;
  Side writing;
};

TcpStream::TcpStream(Loop& loop, Socket socket, const Address& peer, std::shared_ptr<void> token)
    : loop_(loop),
      peer_(peer),
      watch_(std::make_shared<Watch>(loop.core(), std::move(socket))),
      token_(std::move(token)) {
  boost::system::error_code ignored;
  watch_->socket.native_non_blocking(true, ignored);
  tune(watch_->socket.native_handle());
}

Result<std::unique_ptr<TcpStream>> TcpStream::adopt(Loop& loop, Descriptor fd, const Address& peer,
                                                    std::shared_ptr<void> token) {
  Socket socket(loop.core().io.get_executor());
  boost::system::error_code error;
  socket.assign(peer.v6 ? boost::asio::ip::tcp::v6() : boost::asio::ip::tcp::v4(), fd.value(),
                error);
  if (error) return fail(Code::io, "cannot watch a connection: " + error.message());
  fd.release();
  return std::make_unique<TcpStream>(loop, std::move(socket), peer, std::move(token));
}

TcpStream::~TcpStream() {
  close(false);
}

void TcpStream::when_readable(Ready ready) {
  if (!open()) return;
  watch_->reading.ready = std::move(ready);
  Watch::wait(watch_, false);
}

void TcpStream::ignore_readable() {
  watch_->reading.ready = nullptr;
}

void TcpStream::when_writable(Ready ready) {
  if (!open()) return;
  watch_->writing.ready = std::move(ready);
  Watch::wait(watch_, true);
}

Result<ReadResult> TcpStream::read(std::span<char> into) {
  if (!open()) return fail(Code::io, "the connection is closed");
  if (into.empty()) return ReadResult{};
  ssize_t got = 0;
  do {
    got = ::recv(watch_->socket.native_handle(), into.data(), into.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) return ReadResult{.bytes = static_cast<std::size_t>(got)};
  if (got == 0) return ReadResult{.end = true};
  if (would_block(errno)) return ReadResult{};
  return failure("cannot read from ");
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
        sent = ::sendmsg(watch_->socket.native_handle(), &message, MSG_NOSIGNAL);
      } while (sent < 0 && errno == EINTR);
      if (sent < 0 && would_block(errno)) return taken;
      if (sent < 0) return failure("cannot write to ");
      taken += static_cast<std::size_t>(sent);
      if (static_cast<std::size_t>(sent) < offered) return taken;
    }
    parts = parts.subspan(count);
  }
  return taken;
}

void TcpStream::finish() {
  if (open()) ::shutdown(watch_->socket.native_handle(), SHUT_WR);
}

void TcpStream::close(bool reset) {
  if (!open()) return;
  if (reset) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(watch_->socket.native_handle(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  }
  boost::system::error_code ignored;
  watch_->socket.close(ignored);
  // The callbacks may own the caller: they die last, with nothing of this used after them.
  const auto token = std::move(token_);
  const auto reading = std::exchange(watch_->reading.ready, nullptr);
  const auto writing = std::exchange(watch_->writing.ready, nullptr);
}

bool TcpStream::open() const {
  return watch_->socket.is_open();
}

std::unexpected<Error> TcpStream::failure(const char* what) const {
  return fail(Code::io, what + peer_.text() + ": " + std::system_category().message(errno));
}

}  // namespace pointsman
