#include "pointsman/wire/byte_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace pointsman {
namespace {

constexpr std::size_t kSmallestBlock = 2048;  // holds a 1 KiB message with its framing

}  // namespace

ByteQueue::ByteQueue(ByteQueue&& from) noexcept
    : block_(std::move(from.block_)),
      capacity_(std::exchange(from.capacity_, 0)),
      begin_(std::exchange(from.begin_, 0)),
      end_(std::exchange(from.end_, 0)) {}

ByteQueue& ByteQueue::operator=(ByteQueue&& from) noexcept {
  block_ = std::move(from.block_);
  capacity_ = std::exchange(from.capacity_, 0);
  begin_ = std::exchange(from.begin_, 0);
  end_ = std::exchange(from.end_, 0);
  return *this;
}

std::span<char> ByteQueue::reserve(std::size_t n) {
  if (capacity_ - end_ < n) {
    const std::size_t held = size();
    // Moving down is free of allocation, but pays only while there is less to move than to skip.
    if (capacity_ - held >= n && held <= begin_) {
      if (held > 0) std::memcpy(block_.get(), block_.get() + begin_, held);
    } else {
      const std::size_t wanted = std::max({kSmallestBlock, held + n, 2 * held});
      auto block = std::make_unique_for_overwrite<char[]>(wanted);
      if (held > 0) std::memcpy(block.get(), block_.get() + begin_, held);
      block_ = std::move(block);
      capacity_ = wanted;
    }
    begin_ = 0;
    end_ = held;
  }
  return {block_.get() + end_, n};
}

void ByteQueue::append(std::string_view bytes) {
  if (bytes.empty()) return;
  std::memcpy(reserve(bytes.size()).data(), bytes.data(), bytes.size());
  commit(bytes.size());
}

void ByteQueue::consume(std::size_t n) {
  begin_ += n;
  if (begin_ == end_) clear();
}

ByteQueue BytePool::take() {
  if (spare_.empty()) return {};
  ByteQueue queue = std::move(spare_.back());
  spare_.pop_back();
  kept_ -= queue.capacity();
  return queue;
}

void BytePool::give(ByteQueue& queue) {
  ByteQueue block = std::move(queue);
  if (block.capacity() == 0 || kept_ + block.capacity() > max_kept_) return;
  block.clear();
  kept_ += block.capacity();
  spare_.push_back(std::move(block));
}

}  // namespace pointsman
