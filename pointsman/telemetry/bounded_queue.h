#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace pointsman {

// A queue with a fixed number of places that many threads fill and empty without waiting for each
// other (D. Vyukov's bounded MPMC queue): each place carries a turn number that tells whether it is
// free to be filled or full to be emptied.
//
// Threading: any thread. Neither call locks or allocates.
template <typename T>
class BoundedQueue {
 public:
  // Room for at least `capacity` elements.
  explicit BoundedQueue(std::size_t capacity)
      : mask_(std::bit_ceil(capacity < 2 ? 2 : capacity) - 1),
        places_(std::make_unique<Place[]>(mask_ + 1)) {
    for (std::size_t i = 0; i <= mask_; ++i) places_[i].turn.store(i, std::memory_order_relaxed);
  }

  // False, with `value` untouched, when there is no room.
  bool push(T& value) {
    std::size_t at = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Place& place = places_[at & mask_];
      const std::size_t turn = place.turn.load(std::memory_order_acquire);
      if (turn == at) {
        if (tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
          place.value = std::move(value);
          place.turn.store(at + 1, std::memory_order_release);
          return true;
        }
      } else if (turn < at) {
        return false;
      } else {
        at = tail_.load(std::memory_order_relaxed);
      }
    }
  }

  std::optional<T> pop() {
    std::size_t at = head_.load(std::memory_order_relaxed);
    for (;;) {
      Place& place = places_[at & mask_];
      const std::size_t turn = place.turn.load(std::memory_order_acquire);
      if (turn == at + 1) {
        if (head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
          std::optional<T> value(std::move(place.value));
          place.turn.store(at + mask_ + 1, std::memory_order_release);
          return value;
        }
      } else if (turn < at + 1) {
        return std::nullopt;
      } else {
        at = head_.load(std::memory_order_relaxed);
      }
    }
  }

 private:
  struct Place {
    std::atomic<std::size_t> turn;
    T value{};
  };

  const std::size_t mask_;
  const std::unique_ptr<Place[]> places_;
  alignas(64) std::atomic<std::size_t> tail_{0};
  alignas(64) std::atomic<std::size_t> head_{0};
};

}  // namespace pointsman
