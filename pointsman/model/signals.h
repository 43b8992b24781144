#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "pointsman/base/arena.h"
#include "pointsman/model/names.h"
#include "pointsman/model/request.h"

namespace pointsman {

// How much of the request's prompt an endpoint is believed to hold in its cache, in blocks.
struct PrefixMatch {
  std::int32_t match = 0;         // leading blocks held, possibly weighted by tier
  std::int32_t total = 0;         // blocks of the prompt
  std::int32_t block_tokens = 0;  // tokens per block
  std::int32_t cached = 0;        // leading blocks held, unweighted
};

// The prompts of a request as a tokenizer understood them. The estimate takes 4 bytes of text for
// one token, so its tokens need not be written down: the parts are the byte stream itself, of the
// kinds text, escaped, tokens and repeat only.
struct TokenizedPrompt {
  std::span<const Prompt> prompts;
  std::int64_t tokens = 0;  // of all prompts together
};

// A typed place in Signals: one T per endpoint of the fleet. Plugins get theirs when they are
// built, by declaring what they read and write (stage/setup.h).
template <typename T>
struct Column {
  std::uint16_t index = 0;
};

// The same for one T per request.
template <typename T>
struct Cell {
  std::uint16_t index = 0;
};

// What producers found out about one request: columns over the fleet and single values, all in the
// request's arena. A column that nobody wrote is absent, which is normal.
//
// Threading: owned by the request.
class Signals {
 public:
  // Forgets everything. `slots`: how many columns and cells the pipeline has. `endpoints`: the
  // fleet's size.
  void reset(Arena& arena, std::size_t slots, std::size_t endpoints) {
    arena_ = &arena;
    endpoints_ = endpoints;
    slots_ = arena.array<void*>(slots);
  }

  // The column, one element per endpoint; empty when absent.
  template <typename T>
  std::span<const T> read(Column<T> column) const {
    const auto* first = static_cast<const T*>(slots_[column.index]);
    return {first, first == nullptr ? 0 : endpoints_};
  }

  // The column for writing; value-initialised on the first call.
  template <typename T>
  std::span<T> write(Column<T> column) {
    static_assert(std::is_trivially_destructible_v<T>);
    void*& slot = slots_[column.index];
    if (slot == nullptr) slot = arena_->array<T>(endpoints_).data();
    return {static_cast<T*>(slot), endpoints_};
  }

  // The value, or nullptr when absent.
  template <typename T>
  const T* read(Cell<T> cell) const {
    return static_cast<const T*>(slots_[cell.index]);
  }

  template <typename T>
  T& write(Cell<T> cell) {
    static_assert(std::is_trivially_destructible_v<T>);
    void*& slot = slots_[cell.index];
    if (slot == nullptr) slot = arena_->array<T>(1).data();
    return *static_cast<T*>(slot);
  }

  // For what a producer keeps until its hook runs.
  Arena& arena() { return *arena_; }

 private:
  Arena* arena_ = nullptr;
  std::size_t endpoints_ = 0;
  std::span<void*> slots_;
};

}  // namespace pointsman
