#pragma once

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace pointsman {

// An allocator whose elements start uninitialised: growing a vector of numbers that are about to be
// written costs nothing.
template <typename T>
struct Uninitialised : std::allocator<T> {
  static_assert(std::is_trivially_default_constructible_v<T>);
  template <typename U>
  struct rebind {  // NOLINT(readability-identifier-naming): the standard's name
    using other = Uninitialised<U>;
  };

  template <typename U, typename... Args>
  void construct(U* at, Args&&... args) {
    if constexpr (sizeof...(Args) == 0) {
      ::new (static_cast<void*>(at)) U;
    } else {
      ::new (static_cast<void*>(at)) U(std::forward<Args>(args)...);
    }
  }
};

// A vector of numbers whose resize() leaves new elements unwritten.
template <typename T>
using PlainVector = std::vector<T, Uninitialised<T>>;

}  // namespace pointsman
