#include "pointsman/wire/listener.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <sys/socket.h>
#include <utility>

#include <boost/asio/ip/tcp.hpp>

#include "pointsman/wire/loop_core.h"
#include "pointsman/wire/socket.h"
#include "pointsman/wire/tcp_stream.h"
#include "pointsman/wire/tls_stream.h"

namespace pointsman {
namespace {

// One look at the listening socket takes no more than this, so that a flood of connections leaves
// the loop's other work its turn.
constexpr int kAcceptsPerLook = 64;

// After an error that only time can mend, such as no file descriptors left.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

// Open connections per worker; outlives the listener with the last of them.
struct Counts {
  explicit Counts(std::size_t workers) : open(workers) {}

  std::size_t total() const {
    std::size_t sum = 0;
    for (const auto& count : open) sum += count.load(std::memory_order_relaxed);
    return sum;
  }

  std::vector<std::atomic<std::size_t>> open;
  std::atomic<bool> full{false};  // the acceptor waits for one to close
  std::mutex mutex;
  std::move_only_function<void()> resume;  // null once closed; guarded by `mutex`
};

// One open connection's place in the counts.
class Token {
 public:
  Token(std::shared_ptr<Counts> counts, std::size_t worker)
      : counts_(std::move(counts)), worker_(worker) {
    counts_->open[worker_].fetch_add(1, std::memory_order_relaxed);
  }
  ~Token() {
    counts_->open[worker_].fetch_sub(1);
    if (!counts_->full.exchange(false)) return;
    const std::lock_guard lock(counts_->mutex);
    if (counts_->resume) counts_->resume();
  }
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;

 private:
  std::shared_ptr<Counts> counts_;
  std::size_t worker_;
};

// What the accepting side and the workers share.
struct Shared {
  Shared(ListenOptions with, std::vector<Listener::Worker> to)
      : options(std::move(with)),
        workers(std::move(to)),
        counts(std::make_shared<Counts>(workers.size())) {}

  const ListenOptions options;
  const std::vector<Listener::Worker> workers;
  const std::shared_ptr<Counts> counts;
  std::atomic<bool> closed{false};
};

// A TLS handshake on a worker, before anybody else knows of the connection.
class Handshake final : public LoopOwned {
 public:
  Handshake(Loop& loop, std::shared_ptr<Shared> shared, std::size_t worker,
            std::unique_ptr<Stream> plain)
      : loop_(loop),
        shared_(std::move(shared)),
        worker_(worker),
        stream_(std::make_unique<TlsStream>(std::move(plain), *shared_->options.tls, "")),
        timer_(loop, [this] { loop_.core().release(*this); }) {
    timer_.arm(shared_->options.handshake_timeout);
    stream_->handshake([this](const Result<void>& result) {
      if (result && !shared_->closed.load()) shared_->workers[worker_].take(std::move(stream_));
      loop_.core().release(*this);
    });
  }

 private:
  Loop& loop_;
  std::shared_ptr<Shared> shared_;
  std::size_t worker_;
  std::unique_ptr<TlsStream> stream_;
  Timer timer_;
};

// On the worker's loop.
void welcome(const std::shared_ptr<Shared>& shared, std::size_t worker, Descriptor fd,
             const Address& peer, std::shared_ptr<void> token) {
  if (shared->closed.load()) return;
  Loop& loop = shared->workers[worker].loop;
  auto stream = TcpStream::adopt(loop, std::move(fd), peer, std::move(token));
  if (!stream) return;  // the kernel has no memory to watch it: the peer sees it closed
  if (shared->options.tls) {
    loop.core().own(std::make_unique<Handshake>(loop, shared, worker, *std::move(stream)));
  } else {
    shared->workers[worker].take(*std::move(stream));
  }
}

}  // namespace

struct Listener::Accepting : std::enable_shared_from_this<Listener::Accepting> {
  Accepting(Loop& on, ListenOptions options, std::vector<Worker> workers)
      : loop(on),
        shared(std::make_shared<Shared>(std::move(options), std::move(workers))),
        acceptor(on.core().io),
        pause(on, [this] { wait(); }) {}

  Result<void> bind(const Address& at) {
    const auto endpoint = to_endpoint(at);
    boost::system::error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error && at.v6) acceptor.set_option(asio::ip::v6_only(false), error);
    if (!error) acceptor.native_non_blocking(true, error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) address = to_address(acceptor.local_endpoint(error));
    if (error) {
      return fail(Code::io, "cannot listen on " + at.text() + ": " + error.message());
    }
    return {};
  }

  void wait() {
    acceptor.async_wait(asio::socket_base::wait_read,
                        [self = weak_from_this()](const boost::system::error_code& error) {
                          const auto accepting = self.lock();
                          if (!error && accepting) accepting->accept();
                        });
  }

  void accept() {
    const LoopCore::Turn turn(loop.core());
    Counts& counts = *shared->counts;
    for (int i = 0; i < kAcceptsPerLook; ++i) {
      if (counts.total() >= shared->options.max_connections) {
        counts.full.store(true);
        // A connection may have closed between the count and the flag.
        if (counts.total() >= shared->options.max_connections) return;
        if (!counts.full.exchange(false)) return;
      }
      asio::ip::tcp::endpoint from;
      auto size = static_cast<socklen_t>(from.capacity());
      Descriptor fd(
          ::accept4(acceptor.native_handle(), from.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd.value() < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        if (errno == EINTR || errno == ECONNABORTED) continue;
        pause.arm(kAcceptPause);
        return;
      }
      from.resize(size);
      hand_over(std::move(fd), to_address(from));
    }
    wait();
  }

  void hand_over(Descriptor fd, const Address& peer) {
    const auto& open = shared->counts->open;
    const auto fewest = std::ranges::min_element(
        open, {}, [](const auto& count) { return count.load(std::memory_order_relaxed); });
    const auto worker = static_cast<std::size_t>(fewest - open.begin());
    auto token = std::make_shared<Token>(shared->counts, worker);
    Loop& to = shared->workers[worker].loop;
    if (to.inside()) {
      welcome(shared, worker, std::move(fd), peer, std::move(token));
      return;
    }
    to.post(
        [shared = shared, worker, fd = std::move(fd), peer, token = std::move(token)]() mutable {
          welcome(shared, worker, std::move(fd), peer, std::move(token));
        });
  }

  void resume_when_not_full() {
    const std::lock_guard lock(shared->counts->mutex);
    shared->counts->resume = [&on = loop, self = weak_from_this()] {
      on.post([self] {
        if (const auto accepting = self.lock()) accepting->accept();
      });
    };
  }

  void close() {
    shared->closed.store(true);
    {
      const std::lock_guard lock(shared->counts->mutex);
      shared->counts->resume = nullptr;
    }
    boost::system::error_code ignored;
    acceptor.close(ignored);
  }

  Loop& loop;
  std::shared_ptr<Shared> shared;
  asio::ip::tcp::acceptor acceptor;
  Timer pause;
  Address address;
};

Result<std::unique_ptr<Listener>> Listener::open(Loop& loop, const Address& at,
                                                 ListenOptions options,
                                                 std::vector<Worker> workers) {
  auto accepting = std::make_shared<Accepting>(loop, std::move(options), std::move(workers));
  if (auto bound = accepting->bind(at); !bound) return std::unexpected(std::move(bound).error());
  accepting->resume_when_not_full();
  accepting->wait();
  return std::unique_ptr<Listener>(new Listener(std::move(accepting)));  // NOLINT: private maker
}

Listener::Listener(std::shared_ptr<Accepting> accepting) : accepting_(std::move(accepting)) {}

Listener::~Listener() {
  accepting_->close();
}

const Address& Listener::address() const {
  return accepting_->address;
}

std::size_t Listener::connections() const {
  return accepting_->shared->counts->total();
}

std::size_t Listener::connections(std::size_t worker) const {
  return accepting_->shared->counts->open[worker].load(std::memory_order_relaxed);
}

}  // namespace pointsman
