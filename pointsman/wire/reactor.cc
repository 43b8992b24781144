#include "pointsman/wire/reactor.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "pointsman/base/bug.h"

namespace pointsman {
namespace {

// What one look at the kernel brings at most; the next look brings the rest.
constexpr std::size_t kEventsPerLook = 256;

constexpr std::uint32_t kReadOver = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t kWriteOver = EPOLLHUP | EPOLLERR;

std::string reason(int error) {
  return std::system_category().message(error);
}

Descriptor must(int fd, const char* what) {
  if (fd < 0) bug(std::string("cannot make ") + what + ": " + reason(errno));
  return Descriptor(fd);
}

}  // namespace

Reactor::Reactor()
    : poller_(must(::epoll_create1(EPOLL_CLOEXEC), "an event loop")),
      alarm_(must(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "a timer")),
      bell_(must(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "an event")) {
  // Neither is ever read: edge-triggered, each expiry and each ring is told once all the same.
  add(alarm_.value(), &alarm_, EPOLLIN | EPOLLET);
  add(bell_.value(), &bell_, EPOLLIN | EPOLLET);
}

void Reactor::add(int fd, void* tag, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = tag}};
  if (::epoll_ctl(poller_.value(), EPOLL_CTL_ADD, fd, &event) != 0) {
    bug("cannot watch the loop's own descriptor: " + reason(errno));
  }
}

void Reactor::poll(std::chrono::milliseconds limit) {
  // The kernel fills as many as it says: not worth clearing.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  std::array<epoll_event, kEventsPerLook> events;
  const int found = ::epoll_wait(poller_.value(), events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(limit.count()));
  if (found < 0 && errno != EINTR) bug("cannot wait for events: " + reason(errno));
  for (int i = 0; i < found; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == &alarm_) {
      alarmed_ = true;
    } else if (event.data.ptr != &bell_) {
      static_cast<Watch*>(event.data.ptr)->note(event.events);
    }
  }
}

Watch* Reactor::next() {
  if (at_ == turn_.size()) {
    // What becomes due from now on waits for the next turn: a busy peer delays nobody.
    turn_.clear();
    at_ = 0;
    std::swap(turn_, ready_);
  }
  while (at_ < turn_.size()) {
    if (Watch* const watch = turn_[at_++]) {
      watch->queued_ = false;
      return watch;
    }
  }
  return nullptr;
}

bool Reactor::alarmed() {
  return std::exchange(alarmed_, false);
}

void Reactor::set_alarm(std::chrono::nanoseconds after) {
  constexpr std::chrono::nanoseconds kSoonest{1};  // 0 would mean never
  const auto left = std::max(after, kSoonest);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  const itimerspec at{.it_interval = {},
                      .it_value = {.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()}};
  if (::timerfd_settime(alarm_.value(), 0, &at, nullptr) != 0) {
    bug("cannot set a timer: " + reason(errno));
  }
}

void Reactor::wake() {
  // A full counter is a bell that rings already.
  static_cast<void>(::eventfd_write(bell_.value(), 1));
}

void Reactor::enqueue(Watch& watch) {
  ready_.push_back(&watch);
}

void Reactor::forget(const Watch& watch) {
  std::ranges::replace(ready_, &watch, nullptr);
  std::ranges::replace(turn_, &watch, nullptr);
}

Result<std::unique_ptr<Watch>> Watch::open(Reactor& reactor, Descriptor fd) {
  std::unique_ptr<Watch> watch(new Watch(reactor, std::move(fd)));  // NOLINT: private maker
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                    .data = {.ptr = watch.get()}};
  if (::epoll_ctl(reactor.poller_.value(), EPOLL_CTL_ADD, watch->fd(), &event) != 0) {
    return fail(Code::io, "cannot watch a connection: " + reason(errno));
  }
  return watch;
}

Watch::~Watch() {
  close();
}

void Watch::close() {
  if (std::exchange(queued_, false)) reactor_.forget(*this);
  readable_ = writable_ = read_over_ = write_over_ = false;
  if (fd() >= 0) {
    // Closing would take it out of epoll's set, too, but not while a child between fork() and
    // exec() still shares the file.
    ::epoll_ctl(reactor_.poller_.value(), EPOLL_CTL_DEL, fd(), nullptr);
  }
  fd_ = Descriptor();
}

void Watch::when_readable(Ready ready) {
  reading_ = std::move(ready);
  only_over_ = false;
  queue_if_due();
}

void Watch::when_over(Ready ready) {
  reading_ = std::move(ready);
  only_over_ = true;
  queue_if_due();
}

void Watch::when_writable(Ready ready) {
  writing_ = std::move(ready);
  queue_if_due();
}

void Watch::note(std::uint32_t events) {
  read_over_ = read_over_ || (events & kReadOver) != 0;
  write_over_ = write_over_ || (events & kWriteOver) != 0;
  readable_ = readable_ || read_over_ || (events & EPOLLIN) != 0;
  writable_ = writable_ || write_over_ || (events & EPOLLOUT) != 0;
  queue_if_due();
}

void Watch::queue_if_due() {
  if (!due() || std::exchange(queued_, true)) return;
  reactor_.enqueue(*this);
}

void Watch::serve() {
  Ready ready;
  if (read_due()) {
    ready = std::exchange(reading_, nullptr);
    queue_if_due();  // the other direction has its turn of its own
  } else if (writable_ && writing_) {
    ready = std::exchange(writing_, nullptr);
  }
  if (ready) ready();
}

}  // namespace pointsman
