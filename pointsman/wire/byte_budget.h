#pragma once

#include <atomic>
#include <cstddef>
#include <limits>
#include <utility>

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

// What one holder has taken of a budget, which gets it back at the end.
class ByteShare {
 public:
  ByteShare() = default;
  ~ByteShare() { give_back(); }
  ByteShare(const ByteShare&) = delete;
  ByteShare& operator=(const ByteShare&) = delete;

  // Takes more; false: there is no more. `budget` outlives the share; null: there is no limit.
  // REQUIRES: the same one until give_back().
  bool take(ByteBudget* budget, std::size_t bytes) {
    if (budget == nullptr) return true;
    if (!budget->take(bytes)) return false;
    from_ = budget;
    held_ += bytes;
    return true;
  }
  void give_back() {
    if (from_ != nullptr) from_->give(std::exchange(held_, 0));
  }

 private:
  ByteBudget* from_ = nullptr;
  std::size_t held_ = 0;
};

}  // namespace pointsman
