#include "pointsman/wire/listener.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <sys/socket.h>
#include <utility>

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
  auto watch = Watch::open(loop.core().reactor, std::move(fd));
  if (!watch) return;  // the kernel has no memory to watch it: the peer sees it closed
  auto stream = std::make_unique<TcpStream>(loop, *std::move(watch), peer, std::move(token));
  if (shared->options.tls) {
    loop.core().own(std::make_unique<Handshake>(loop, shared, worker, std::move(stream)));
  } else {
    shared->workers[worker].take(std::move(stream));
  }
}

}  // namespace

struct Listener::Accepting : std::enable_shared_from_this<Listener::Accepting> {
  Accepting(Loop& on, ListenOptions options, std::vector<Worker> workers)
      : loop(on),
        shared(std::make_shared<Shared>(std::move(options), std::move(workers))),
        pause(on, [this] { wait(); }) {}

  Result<void> bind(const Address& at) {
    const auto failed = [&](const std::string& why) {
      return fail(Code::io, "cannot listen on " + at.text() + ": " + why);
    };
    auto fd = tcp_socket(at);
    if (!fd) return failed(fd.error().message);
    constexpr int kYes = 1;
    if (::setsockopt(fd->value(), SOL_SOCKET, SO_REUSEADDR, &kYes, sizeof(kYes)) != 0) {
      return failed(error_name(errno));
    }
    if (const auto done = bind_socket(*fd, at); !done) return failed(done.error().message);
    if (::listen(fd->value(), SOMAXCONN) != 0) return failed(error_name(errno));
    SocketAddress bound;
    if (::getsockname(fd->value(), bound.data(), &bound.size) != 0) {
      return failed(error_name(errno));
    }
    address = bound.address();
    auto watch = Watch::open(loop.core().reactor, *std::move(fd));
    if (!watch) return failed(watch.error().message);
    socket = *std::move(watch);
    return {};
  }

  void wait() {
    if (!socket) return;
    socket->when_readable([self = weak_from_this()] {
      if (const auto accepting = self.lock()) accepting->accept();
    });
  }

  void accept() {
    if (!socket) return;
    Counts& counts = *shared->counts;
    for (int i = 0; i < kAcceptsPerLook; ++i) {
      if (counts.total() >= shared->options.max_connections) {
        counts.full.store(true);
        // A connection may have closed between the count and the flag.
        if (counts.total() >= shared->options.max_connections) {
          return count(shared->options.refusals, Refusal::connections);
        }
        if (!counts.full.exchange(false)) return;
      }
      SocketAddress from;
      Descriptor fd(::accept4(socket->fd(), from.data(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd.value() < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
          socket->drained();
          break;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        count(shared->options.refusals, Refusal::open_files);
        pause.arm(kAcceptPause);
        return;
      }
      hand_over(std::move(fd), from.address());
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
    socket.reset();
  }

  Loop& loop;
  std::shared_ptr<Shared> shared;
  std::unique_ptr<Watch> socket;  // null: closed
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
