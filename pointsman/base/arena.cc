#include "pointsman/base/arena.h"

#include <algorithm>
#include <cstring>

namespace pointsman {
namespace {

constexpr std::size_t kKept = std::size_t{1} << 20U;

}  // namespace

void* Arena::allocate(std::size_t bytes, std::size_t align) {
  while (true) {
    if (current_ < blocks_.size()) {
      const std::size_t from = (used_ + align - 1) / align * align;
      if (from + bytes <= blocks_[current_].size) {
        used_ = from + bytes;
        return blocks_[current_].bytes.get() + from;
      }
      if (current_ + 1 < blocks_.size()) {
        ++current_;
        used_ = 0;
        continue;
      }
    }
    // Doubling keeps the number of blocks small; a larger wish gets a block of its own size.
    const std::size_t size =
        std::max(blocks_.empty() ? block_bytes_ : 2 * blocks_.back().size, bytes);
    blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size});
    current_ = blocks_.size() - 1;
    used_ = 0;
  }
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* const to = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

void Arena::reset() {
  std::size_t left = kKept;
  std::size_t blocks = 0;
  for (; blocks < blocks_.size() && blocks_[blocks].size <= left; ++blocks) {
    left -= blocks_[blocks].size;
  }
  blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(blocks), blocks_.end());
  current_ = 0;
  used_ = 0;
}

std::size_t Arena::capacity() const {
  std::size_t sum = 0;
  for (const Block& block : blocks_) sum += block.size;
  return sum;
}

}  // namespace pointsman
