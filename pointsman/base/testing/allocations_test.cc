// Replaces operator new for the test binary, so that tests can count what a thread allocates.

#include "pointsman/base/testing/allocations.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace pointsman::testing {
namespace {

thread_local std::uint64_t counted = 0;

void* take(std::size_t size, std::size_t align) {
  ++counted;
  void* const memory = align <= alignof(std::max_align_t)
                           ? std::malloc(size)
                           : std::aligned_alloc(align, (size + align - 1) / align * align);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

std::uint64_t allocations() {
  return counted;
}

}  // namespace pointsman::testing

// The array and nothrow forms of the library call these.
void* operator new(std::size_t size) {
  return pointsman::testing::take(size, 1);
}
void* operator new(std::size_t size, std::align_val_t align) {
  return pointsman::testing::take(size, static_cast<std::size_t>(align));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
