// Replaces operator new for the test binary, so that tests can count what a thread allocates.

#include "pointsman/base/testing/allocations.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace pointsman::testing {
namespace {

thread_local std::uint64_t counted = 0;

void* take_or_null(std::size_t size, std::size_t align) {
  ++counted;
  return align <= alignof(std::max_align_t)
             ? std::malloc(size)
             : std::aligned_alloc(align, (size + align - 1) / align * align);
}

void* take(std::size_t size, std::size_t align) {
  void* const memory = take_or_null(size, align);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

std::uint64_t allocations() {
  return counted;
}

}  // namespace pointsman::testing

// Every form is replaced: sanitizers bring their own of those that are not, and would find memory
// taken with one allocator and given back to the other.
void* operator new(std::size_t size) {
  return pointsman::testing::take(size, 1);
}
void* operator new[](std::size_t size) {
  return pointsman::testing::take(size, 1);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return pointsman::testing::take_or_null(size, 1);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return pointsman::testing::take_or_null(size, 1);
}
void* operator new(std::size_t size, std::align_val_t align) {
  return pointsman::testing::take(size, static_cast<std::size_t>(align));
}
void* operator new[](std::size_t size, std::align_val_t align) {
  return pointsman::testing::take(size, static_cast<std::size_t>(align));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
