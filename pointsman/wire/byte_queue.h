#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace pointsman {

// First-in, first-out bytes in one contiguous block that grows and is reused.
//
// Views from bytes() and reserve() are valid until the next non-const call.
class ByteQueue final {
 public:
  ByteQueue() = default;
  ByteQueue(ByteQueue&& from) noexcept;
  ByteQueue& operator=(ByteQueue&& from) noexcept;

  std::string_view bytes() const { return {block_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }

  // Uninitialised room for exactly `n` bytes behind the last one; commit() makes them content.
  std::span<char> reserve(std::size_t n);
  // REQUIRES: n is at most what the last reserve() gave.
  void commit(std::size_t n) { end_ += n; }

  void append(std::string_view bytes);
  // Drops the first `n` bytes. REQUIRES: n <= size().
  void consume(std::size_t n);
  void clear() { begin_ = end_ = 0; }

 private:
  std::unique_ptr<char[]> block_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// Keeps the blocks of emptied queues for the next ones, so that a worker in its steady state
// allocates nothing per message. What it keeps is bounded in bytes.
class BytePool final {
 public:
  explicit BytePool(std::size_t max_kept = std::size_t{1} << 20U) : max_kept_(max_kept) {}

  ByteQueue take();
  // Takes the block of `queue` and leaves it empty, without a block.
  void give(ByteQueue& queue);
  std::size_t kept() const { return kept_; }

 private:
  std::vector<ByteQueue> spare_;
  std::size_t max_kept_;
  std::size_t kept_ = 0;
};

}  // namespace pointsman
