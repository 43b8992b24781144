#pragma once

// Internal to wire/*.cc.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/wire/loop.h"
#include "pointsman/wire/socket.h"

namespace pointsman {

class Watch;

// What one loop asks the kernel: which of its descriptors have become ready, whether its alarm
// has come, whether another thread has something for it.
//
// Every descriptor is registered once, edge-triggered and for both directions (epoll(7)): from
// then on a message costs its wait, its receive and its send, and no call that says what to wait
// for next. Readiness is kept in the Watch until a read or write finds that it is used up.
class Reactor {
 public:
  Reactor();

  // Takes note of what has happened, and sleeps until something does: at most `limit`; not at
  // all for 0, without a limit for -1.
  void poll(std::chrono::milliseconds limit);

  // The next descriptor that somebody waits for and that is ready; null: none until poll().
  Watch* next();
  bool has_ready() const { return !ready_.empty() || at_ < turn_.size(); }

  // Has the alarm come since the last question?
  bool alarmed();
  // Moves the alarm; it wakes poll() once.
  void set_alarm(std::chrono::nanoseconds after);

  // Makes poll() return, now or as soon as it is called. Threading: any thread, signal handlers.
  void wake();

 private:
  friend class Watch;

  void add(int fd, void* tag, std::uint32_t events);
  void enqueue(Watch& watch);
  void forget(const Watch& watch);

  Descriptor poller_;
  Descriptor alarm_;
  Descriptor bell_;  // an eventfd: wake() rings it
  bool alarmed_ = false;
  std::vector<Watch*> ready_;  // of the next turn
  std::vector<Watch*> turn_;   // being served, from at_ on; null: closed in the meantime
  std::size_t at_ = 0;
};

// A descriptor that a loop watches; it closes with this. Threading: the loop's thread.
class Watch {
 public:
  using Ready = Loop::Task;

  // Errors: io, when the kernel has no room for one more.
  static Result<std::unique_ptr<Watch>> open(Reactor& reactor, Descriptor fd);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  int fd() const { return fd_.value(); }

  // As in Stream. A wait may end although there is nothing: a message of this turn may be
  // answered already when the kernel's word about it is read.
  void when_readable(Ready ready);
  void when_over(Ready ready);
  void ignore_readable() { reading_ = nullptr; }
  void when_writable(Ready ready);

  // A read found less than it asked for, a write left something over: there is nothing more
  // until the kernel says so. An end or an error stays, since it is said only once.
  void drained() { readable_ = read_over_; }
  void filled() { writable_ = write_over_; }

  // Closes the descriptor, and forgets the waits without destroying their callbacks.
  void close();

  // Runs one callback that is due. It may destroy this.
  void serve();

 private:
  friend class Reactor;

  Watch(Reactor& reactor, Descriptor fd) : reactor_(reactor), fd_(std::move(fd)) {}

  void note(std::uint32_t events);
  bool read_due() const { return (only_over_ ? read_over_ : readable_) && reading_; }
  bool due() const { return read_due() || (writable_ && writing_); }
  void queue_if_due();

  Reactor& reactor_;
  Descriptor fd_;
  Ready reading_;
  Ready writing_;
  bool readable_ = false;
  bool writable_ = false;
  bool read_over_ = false;   // the peer's end or an error has been told
  bool write_over_ = false;  // an error has been told
  bool only_over_ = false;   // reading_ waits for that only
  bool queued_ = false;
};

}  // namespace pointsman
