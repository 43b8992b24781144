#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace pointsman {

// Memory of one request: handed out in order, given back all at once. Keeps up to 1 MiB of it, so
// that in steady state a request allocates nothing. Objects in it are never destroyed: trivial.
//
// Threading: one owner at a time.
class Arena {
 public:
  explicit Arena(std::size_t first_block = 16 * 1024) : block_bytes_(first_block) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  Arena(Arena&&) = default;
  Arena& operator=(Arena&&) = default;

  void* allocate(std::size_t bytes, std::size_t align);

  // `count` elements, value-initialised.
  template <typename T>
  std::span<T> array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    T* const first = static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
    for (std::size_t i = 0; i < count; ++i) ::new (first + i) T();
    return {first, count};
  }

  // A copy of `text` that lives until reset().
  std::string_view copy(std::string_view text);

  // Forgets everything handed out; the memory is used again. A rare giant is given back.
  void reset();

  // Bytes held, used or not.
  std::size_t capacity() const;

 private:
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;
  };

  std::size_t block_bytes_;
  std::vector<Block> blocks_;
  std::size_t current_ = 0;  // the block in use
  std::size_t used_ = 0;     // bytes used in it
};

}  // namespace pointsman
