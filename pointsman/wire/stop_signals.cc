#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/wire/loop_core.h"

namespace pointsman {
namespace {

constexpr std::array kCaught{SIGINT, SIGTERM, SIGHUP};

// Where the handler writes; -1: nobody waits. A signal handler can only reach what is global.
std::atomic<int> mouth{-1};

void tell(int signal) {
  const int before = errno;
  const auto byte = static_cast<unsigned char>(signal);
  // A full pipe holds signals enough.
  if (::write(mouth.load(), &byte, 1) < 0) errno = before;
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
  Descriptor writer;
  std::unique_ptr<Watch> watch;  // null: no more
  std::array<struct sigaction, kCaught.size()> before{};
};

StopSignals::StopSignals(Loop& loop, std::move_only_function<void(int)> caught)
    : wait_(std::make_shared<Wait>(loop, std::move(caught))) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) bug("no pipe for signals");
  wait_->writer = Descriptor(ends[1]);
  auto watch = Watch::open(loop.core().reactor, Descriptor(ends[0]));
  if (!watch) bug(watch.error().message);
  wait_->watch = *std::move(watch);
  Wait::next(wait_);

  int nobody = -1;
  if (!mouth.compare_exchange_strong(nobody, ends[1])) bug("two StopSignals at a time");
  struct sigaction action{};
  action.sa_handler = tell;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kCaught.size(); ++i) {
    ::sigaction(kCaught[i], &action, &wait_->before[i]);
  }
}

StopSignals::~StopSignals() {
  for (std::size_t i = 0; i < kCaught.size(); ++i) {
    ::sigaction(kCaught[i], &wait_->before[i], nullptr);
  }
  mouth = -1;
  wait_->watch.reset();
}

}  // namespace pointsman
