#pragma once

// Internal to wire/*.cc: it names Boost.Asio.

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "pointsman/wire/loop.h"

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

class LoopCore {
 public:
  static constexpr std::size_t kScratch = 64 * 1024;
  static constexpr std::size_t kCipher = 32 * 1024;

  LoopCore();
  ~LoopCore();

  // Keeps `owned` alive until release(), or the loop's end. release() destroys it after the
  // callback that runs now.
  void own(std::unique_ptr<LoopOwned> owned);
  void release(LoopOwned& owned);

  // A second shared buffer, for the bytes beneath TLS.
  std::span<char> cipher();

  void arm(Timer& timer, Clock::time_point deadline);
  void forget(Timer& timer);
  void defer(Loop::Task task);

  // Surrounds every callback that the loop makes: the outermost one runs what was deferred.
  class Turn {
   public:
    explicit Turn(LoopCore& core) : core_(core) { ++core_.depth_; }
    ~Turn() {
      if (core_.depth_ == 1 && !core_.deferred_.empty()) core_.run_deferred();
      --core_.depth_;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    LoopCore& core_;
  };

  // One thread runs the loop, so the reactor needs no locks; posting from elsewhere does.
  boost::asio::io_context io{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
  std::atomic<std::thread::id> thread;
  std::unique_ptr<char[]> scratch;

 private:
  void set_alarm();
  void fire_due();
  void run_deferred();

  TimerHeap timers_;
  boost::asio::steady_timer alarm_;
  Clock::time_point alarm_at_ = Clock::time_point::max();
  Timer* firing_ = nullptr;  // null again when the firing timer is destroyed in its own callback
  int depth_ = 0;            // of Turn
  std::vector<Loop::Task> deferred_;
  std::vector<Loop::Task> running_;
  std::unordered_map<LoopOwned*, std::unique_ptr<LoopOwned>> owned_;
  std::unique_ptr<char[]> cipher_;
};

}  // namespace pointsman
