#pragma once

// Internal to wire/*.cc.

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include "pointsman/wire/loop.h"
#include "pointsman/wire/reactor.h"

namespace pointsman {

// The armed timers of one loop: a binary heap by the time at which the loop must look at them.
class TimerHeap {
 public:
  bool empty() const { return heap_.empty(); }
  Clock::time_point next() const { return heap_.front()->wake_; }

  // Moves the deadline; says whether the heap's first entry became earlier.
  bool arm(Timer& timer, Clock::time_point deadline);
  void remove(Timer& timer);

  // Takes out one timer whose deadline has come, disarmed; null when there is none left.
  Timer* take_due(Clock::time_point now);

 private:
  void place(Timer* timer, std::size_t at);
  void up(std::size_t at);
  void down(std::size_t at);
  void insert(Timer& timer);

  std::vector<Timer*> heap_;
};

// Something that lives on a loop by itself until it lets go, such as a handshake on its way.
class LoopOwned {
 public:
  virtual ~LoopOwned() = default;
};

// Looks host names up on a thread of its own (resolver.cc).
class Resolver;

class LoopCore {
 public:
  static constexpr std::size_t kScratch = 64UL * 1024;
  static constexpr std::size_t kCipher = 32UL * 1024;

  LoopCore();
  ~LoopCore();

  // Runs one callback, and waits for it if there is none. False: stop() was called, or `limit`
  // has come.
  bool run_one(Clock::time_point limit);

  // Threading: any thread; stop() signal handlers too.
  void post(Loop::Task task);
  void stop();
  void restart() { stopping_ = false; }

  // Keeps `owned` alive until release(), or the loop's end. release() destroys it after the
  // callback that runs now.
  void own(std::unique_ptr<LoopOwned> owned);
  void release(LoopOwned& owned);

  // A second shared buffer, for the bytes beneath TLS.
  std::span<char> cipher();
  // Made when it is first needed.
  Resolver& resolver();

  void arm(Timer& timer, Clock::time_point deadline);
  void forget(Timer& timer);
  void defer(Loop::Task task);

  Reactor reactor;
  Clock::time_point polled_at = Clock::now();  // before anything was served since
  std::atomic<std::thread::id> thread;
  std::unique_ptr<char[]> scratch;

 private:
  // Surrounds every callback that the loop makes: the outermost one runs what was deferred.
  class Turn;

  bool gather(Clock::time_point limit);
  void ring();
  void set_alarm();
  void fire_due();
  void run_deferred();

  TimerHeap timers_;
  Clock::time_point alarm_at_ = Clock::time_point::max();
  Timer* firing_ = nullptr;  // null again when the firing timer is destroyed in its own callback
  int depth_ = 0;            // of Turn
  std::vector<Loop::Task> deferred_;
  std::vector<Loop::Task> running_;
  std::unordered_map<LoopOwned*, std::unique_ptr<LoopOwned>> owned_;
  std::unique_ptr<char[]> cipher_;
  std::unique_ptr<Resolver> resolver_;

  std::mutex inbox_lock_;
  std::vector<Loop::Task> inbox_;  // guarded by inbox_lock_
  std::vector<Loop::Task> tasks_;  // being run, from task_ on
  std::size_t task_ = 0;
  std::atomic<bool> posted_{false};  // the inbox has something
  std::atomic<bool> stopping_{false};
  std::atomic<bool> sleeping_{false};  // or about to: whoever has news must wake the reactor
};

}  // namespace pointsman
