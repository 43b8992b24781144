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
        state_(
            std::make_shared<State>(State{TcpStream::Socket(loop.core().io.get_executor()), this})),
        timer_(loop, [this] { timed_out(); }),
        done_(std::move(done)) {
    timer_.arm(options_.timeout);
    state_->socket.async_connect(to_endpoint(to_),
                                 [state = state_](const boost::system::error_code& error) {
                                   if (state->attempt != nullptr) state->attempt->connected(error);
                                 });
  }

  ~Attempt() override {
    state_->attempt = nullptr;
    boost::system::error_code ignored;
    state_->socket.close(ignored);
  }

 private:
  // What Asio's operation holds on to; it may complete after this is gone.
  struct State {
    TcpStream::Socket socket;
    Attempt* attempt;
  };

  void connected(const boost::system::error_code& error) {
    const LoopCore::Turn turn(loop_.core());
    if (error) {
      end(fail(Code::io, "cannot connect to " + to_.text() + ": " + error.message()));
      return;
    }
    auto plain = std::make_unique<TcpStream>(loop_, std::move(state_->socket), to_);
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

  void timed_out() {
    end(fail(Code::timeout, std::string(secured_ ? "the TLS handshake with " : "connecting to ") +
                                to_.text() + " took too long"));
  }

  // Last: `done_` may destroy this.
  void end(Result<std::unique_ptr<Stream>> result) {
    timer_.disarm();
    state_->attempt = nullptr;
    Connected done = std::move(done_);
    done(std::move(result));
  }

  Loop& loop_;
  Address to_;
  ConnectOptions options_;
  std::shared_ptr<State> state_;
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
