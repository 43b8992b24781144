#include "pointsman/wire/loop_core.h"

namespace pointsman {

bool TimerHeap::arm(Timer& timer, Clock::time_point deadline) {
  timer.deadline_ = deadline;
  if (timer.place_ == Timer::kNoPlace) {
    timer.wake_ = deadline;
    insert(timer);
  } else if (deadline < timer.wake_) {
    timer.wake_ = deadline;
    up(timer.place_);
  } else {
    return false;  // the loop looks in time, and finds the later deadline then
  }
  return timer.place_ == 0;
}

void TimerHeap::remove(Timer& timer) {
  if (timer.place_ == Timer::kNoPlace) return;
  const std::size_t hole = timer.place_;
  timer.place_ = Timer::kNoPlace;
  Timer* const last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  place(last, hole);
  up(hole);
  down(last->place_);
}

Timer* TimerHeap::take_due(Clock::time_point now) {
  while (!heap_.empty() && heap_.front()->wake_ <= now) {
    Timer& first = *heap_.front();
    if (first.deadline_ == Timer::kNever) {
      remove(first);
    } else if (first.wake_ < first.deadline_) {
      first.wake_ = first.deadline_;  // it was moved: those that come before it go first
      down(0);
    } else {
      remove(first);
      first.deadline_ = Timer::kNever;
      return &first;
    }
  }
  return nullptr;
}

void TimerHeap::place(Timer* timer, std::size_t at) {
  heap_[at] = timer;
  timer->place_ = at;
}

void TimerHeap::up(std::size_t at) {
  Timer* const timer = heap_[at];
  while (at > 0) {
    const std::size_t parent = (at - 1) / 2;
    if (heap_[parent]->wake_ <= timer->wake_) break;
    place(heap_[parent], at);
    at = parent;
  }
  place(timer, at);
}

void TimerHeap::down(std::size_t at) {
  Timer* const timer = heap_[at];
  while (2 * at + 1 < heap_.size()) {
    std::size_t child = 2 * at + 1;
    if (child + 1 < heap_.size() && heap_[child + 1]->wake_ < heap_[child]->wake_) ++child;
    if (timer->wake_ <= heap_[child]->wake_) break;
    place(heap_[child], at);
    at = child;
  }
  place(timer, at);
}

void TimerHeap::insert(Timer& timer) {
  heap_.push_back(&timer);
  up(heap_.size() - 1);
}

}  // namespace pointsman
