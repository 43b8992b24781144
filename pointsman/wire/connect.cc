#include <cerrno>
#include <string>
#include <sys/socket.h>
#include <utility>

#include "pointsman/wire/loop_core.h"
#include "pointsman/wire/socket.h"
#include "pointsman/wire/stream.h"
#include "pointsman/wire/tcp_stream.h"
#include "pointsman/wire/tls_stream.h"

namespace pointsman {
namespace {

// The steps of one connection: TCP, then TLS if asked for, all within one time limit.
class Attempt final : public Connecting {
 public:
  Attempt(Loop& loop, const Address& to, ConnectOptions options, Connected done)
      : loop_(loop),
        to_(to),
        options_(std::move(options)),
        timer_(loop, [this] { timed_out(); }),
        done_(std::move(done)) {
    if (auto begun = begin(); begun) {
      timer_.arm(options_.timeout);
    } else {
      failed_ = std::move(begun).error().message;
      timer_.arm(std::chrono::nanoseconds(0));  // `done` is called from the loop
    }
  }

 private:
  Result<void> begin() {
    POINTSMAN_TRY(fd, tcp_socket(to_));
    SocketAddress address(to_);
    // The first ready socket of epoll(7) would be one that is not connecting yet: so it comes
    // after.
    if (::connect(fd.value(), address.data(), address.size) != 0 && errno != EINPROGRESS) {
      return fail(Code::io, error_name(errno));
    }
    POINTSMAN_TRY(watch, Watch::open(loop_.core().reactor, std::move(fd)));
    socket_ = std::move(watch);
    socket_->when_writable([this] { connected(); });
    return {};
  }

  void connected() {
    int error = 0;
    socklen_t size = sizeof(error);
    if (::getsockopt(socket_->fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) {
      refused(error_name(error));
      return;
    }
    auto plain = std::make_unique<TcpStream>(loop_, std::move(socket_), to_);
    if (!options_.tls) {
      end(std::move(plain));
      return;
    }
    secured_ = std::make_unique<TlsStream>(std::move(plain), *options_.tls, options_.server_name);
    secured_->handshake([this](Result<void> result) {
      if (result) {
        end(std::move(secured_));
      } else {
        end(std::unexpected(std::move(result).error()));
      }
    });
  }

  void refused(const std::string& why) {
    end(fail(Code::io, "cannot connect to " + to_.text() + ": " + why));
  }

  void timed_out() {
    if (!failed_.empty()) {
      refused(failed_);
      return;
    }
    end(fail(Code::timeout, std::string(secured_ ? "the TLS handshake with " : "connecting to ") +
                                to_.text() + " took too long"));
  }

  // Last: `done_` may destroy this.
  void end(Result<std::unique_ptr<Stream>> result) {
    timer_.disarm();
    Connected done = std::move(done_);
    done(std::move(result));
  }

  Loop& loop_;
  Address to_;
  ConnectOptions options_;
  std::unique_ptr<Watch> socket_;  // while it connects
  std::string failed_;             // why it could not begin
  std::unique_ptr<TlsStream> secured_;
  Timer timer_;
  Connected done_;
};

}  // namespace

std::unique_ptr<Connecting> connect(Loop& loop, const Address& to, ConnectOptions options,
                                    Connected done) {
  return std::make_unique<Attempt>(loop, to, std::move(options), std::move(done));
}

}  // namespace pointsman
