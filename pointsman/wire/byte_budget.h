#pragma once

#include <atomic>
#include <cstddef>
#include <limits>

namespace pointsman {

// A number of bytes that several threads share.
class ByteBudget {
 public:
  // 0: no limit.
  explicit ByteBudget(std::size_t most)
      : most_(most == 0 ? std::numeric_limits<std::size_t>::max() : most) {}

  bool take(std::size_t bytes) {
    if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= most_) return true;
    give(bytes);
    return false;
  }
  void give(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> used_{0};
};

}  // namespace pointsman
