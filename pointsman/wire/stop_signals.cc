#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <unistd.h>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/wire/loop_core.h"

namespace pointsman {
namespace {

constexpr std::array kCaught{SIGINT, SIGTERM, SIGHUP};

// A signal handler can only reach what is global.
std::atomic<int> mouth{-1};       // where it writes; -1: nobody will read
std::atomic<bool> held{false};    // nobody reads yet
std::atomic<bool> wanted{false};  // SIGINT or SIGTERM has come while held

void tell(int signal) {
  if (signal != SIGHUP && held.load() && wanted.exchange(true)) ::_exit(1);
  const int before = errno;
  const auto byte = static_cast<unsigned char>(signal);
  // A full pipe holds signals enough.
  if (::write(mouth.load(), &byte, 1) < 0) errno = before;
}

// The handler in place of the default effects, while it lives, and the pipe that it writes to.
class Handler {
 public:
  Handler() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) bug("no pipe for signals");
    reader = Descriptor(ends[0]);
    writer_ = Descriptor(ends[1]);
    int nobody = -1;
    if (!mouth.compare_exchange_strong(nobody, ends[1])) bug("two StopSignals at a time");
    struct sigaction action{};
    action.sa_handler = tell;
    action.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < kCaught.size(); ++i) {
      ::sigaction(kCaught[i], &action, &before_[i]);
    }
  }
  ~Handler() {
    for (std::size_t i = 0; i < kCaught.size(); ++i) {
      ::sigaction(kCaught[i], &before_[i], nullptr);
    }
    mouth = -1;
  }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

  Descriptor reader;

 private:
  Descriptor writer_;
  std::array<struct sigaction, kCaught.size()> before_{};
};

// The one of hold(), until a StopSignals takes it over.
std::unique_ptr<Handler>& early() {
  static std::unique_ptr<Handler> handler;
  return handler;
}

}  // namespace

struct StopSignals::Wait {
  Wait(Loop& on, std::move_only_function<void(int)> then) : loop(on), caught(std::move(then)) {}

  static void next(const std::shared_ptr<Wait>& wait) {
    wait->watch->when_readable([wait] {
      unsigned char signal = 0;
      while (wait->watch && ::read(wait->watch->fd(), &signal, 1) == 1) wait->caught(signal);
      if (!wait->watch) return;
      wait->watch->drained();
      next(wait);
    });
  }

  Loop& loop;
  std::move_only_function<void(int)> caught;
  std::unique_ptr<Handler> handler;
  std::unique_ptr<Watch> watch;  // null: no more
};

void StopSignals::hold() {
  if (early() != nullptr) return;
  wanted = false;
  held = true;
  early() = std::make_unique<Handler>();
}

bool StopSignals::asked() {
  return wanted.load();
}

StopSignals::StopSignals(Loop& loop, std::move_only_function<void(int)> caught)
    : wait_(std::make_shared<Wait>(loop, std::move(caught))) {
  wait_->handler = std::exchange(early(), nullptr);
  if (wait_->handler == nullptr) wait_->handler = std::make_unique<Handler>();
  held = false;
  auto watch = Watch::open(loop.core().reactor, std::move(wait_->handler->reader));
  if (!watch) bug(watch.error().message);
  wait_->watch = *std::move(watch);
  Wait::next(wait_);
}

StopSignals::~StopSignals() {
  wait_->handler.reset();
  wait_->watch.reset();
}

}  // namespace pointsman
