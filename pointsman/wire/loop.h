#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "pointsman/base/clock.h"

namespace pointsman {

class LoopCore;  // the event loop behind a Loop; known to wire/*.cc only (loop_core.h)

// One event loop: sockets, timers and tasks that run one after the other on the thread in run().
//
// Everything bound to a loop (Timer, Stream, HttpServer ...) is made, used and destroyed on its
// thread, or while nobody is in run(); and destroyed before the loop. post() and stop() are the
// only ways in from other threads.
class Loop {
 public:
  using Task = std::move_only_function<void()>;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs callbacks until stop(). May be called again after it has returned.
  void run();

  // Runs callbacks until `done` returns true (asked after each callback) or `limit` has passed;
  // says which. For tests and for blocking helpers.
  bool run_until(const std::function<bool()>& done,
                 std::chrono::nanoseconds limit = std::chrono::seconds(10));

  // Makes run() return after the callback that runs now. Sticks if nobody is in run() yet.
  // Threading: any thread, and signal callbacks.
  void stop();

  // Runs `task` on the loop, after what runs now, in the order of posting. Tasks left over when
  // the loop is destroyed are destroyed without being run. Threading: any thread.
  void post(Task task);

  // Runs `task` as soon as the loop's callback that runs now has returned (at once if none runs):
  // the place to send in one piece what that callback wrote bit by bit, or to destroy what must
  // not be destroyed from inside. Costs no system call. Threading: the loop's thread.
  void defer(Task task);

  // When the kernel was last asked what has happened: what is served now had arrived by then.
  // Threading: the loop's thread.
  Clock::time_point polled_at() const;

  // Is the caller on the thread that is in run()?
  bool inside() const;

  // 64 KiB that the loop's callbacks share, to read a socket into. What it holds is gone when
  // the callback returns, and when the callback calls anything that reads.
  std::span<char> scratch();

  LoopCore& core() { return *core_; }

 private:
  std::unique_ptr<LoopCore> core_;
};

// Calls `fire` once, at or after its deadline, unless disarmed or destroyed before.
//
// Made to be moved all the time: arming a timer again, for later, costs one clock read and one
// store. The loop wakes for the earlier time once, and sleeps on.
// Threading: the loop's thread.
class Timer {
 public:
  Timer(Loop& loop, Loop::Task fire);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void arm(std::chrono::nanoseconds after);
  void arm_at(Clock::time_point deadline);
  void disarm();
  bool armed() const { return deadline_ != kNever; }
  Clock::time_point deadline() const { return deadline_; }

 private:
  friend class LoopCore;
  friend class TimerHeap;
  static constexpr Clock::time_point kNever = Clock::time_point::max();
  static constexpr std::size_t kNoPlace = static_cast<std::size_t>(-1);

  Clock::time_point deadline_ = kNever;  // when to fire
  Clock::time_point wake_ = kNever;      // when the loop will look; never after deadline_
  std::size_t place_ = kNoPlace;         // where in the heap
  LoopCore& core_;
  Loop::Task fire_;
};

// N loops on N threads of their own, started by the constructor, stopped and joined by the
// destructor.
class Workers {
 public:
  explicit Workers(std::size_t count);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  std::size_t size() const { return loops_.size(); }
  Loop& operator[](std::size_t i) { return *loops_[i]; }

  // Runs `task(loop)` on worker i and waits until it is done. REQUIRES: not on that worker.
  void run_on(std::size_t i, const std::function<void(Loop&)>& task);

  // The same on every worker, one after the other: task(i, loop).
  void run_on_each(const std::function<void(std::size_t, Loop&)>& task);

  // Starts drain(i, one_done) on every worker and returns; the last one to call its `one_done`
  // calls `done`, on whatever thread that is.
  void drain_each(const std::function<void(std::size_t, std::function<void()>)>& drain,
                  std::function<void()> done);

  // Stops all loops and joins the threads. Afterwards what is bound to the loops may be
  // destroyed from the calling thread.
  void stop();

 private:
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::jthread> threads_;
};

// Calls `caught(signal)` on the loop for each SIGINT, SIGTERM and SIGHUP that the process receives,
// in place of their default effect, while it lives.
class StopSignals {
 public:
  // Holds these signals from now on for the StopSignals that is made next; until then a second
  // SIGINT or SIGTERM ends the process at once with exit code 1. Once in a process, by its first
  // thread: a signal that came before would end it without a word, or be lost on process 1.
  static void hold();
  // Whether SIGINT or SIGTERM has come while they were held.
  static bool asked();

  StopSignals(Loop& loop, std::move_only_function<void(int)> caught);
  ~StopSignals();

 private:
  struct Wait;
  std::shared_ptr<Wait> wait_;
};

}  // namespace pointsman
