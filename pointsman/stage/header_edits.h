#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "pointsman/base/arena.h"
#include "pointsman/model/request.h"

namespace pointsman {

// What plugins change on the header lines of a message that passes. The edge applies it: first the
// removals, then the new lines, each in place of all lines of that name.
//
// Threading: owned by the request.
class HeaderEdits {
 public:
  static constexpr std::size_t kMax = 8;

  // Forgets everything; what is set from now on lives in `arena`.
  void reset(Arena& arena) {
    arena_ = &arena;
    lines_ = removed_ = 0;
  }

  // Sets a line. The later of two calls counts; more than kMax names are dropped.
  // REQUIRES: `name` is a lower-case token.
  void set(std::string_view name, std::string_view value);
  // Removes all lines of that name. REQUIRES: as set().
  void remove(std::string_view name);

  std::span<const Header> lines() const { return std::span(line_room_).first(lines_); }
  std::span<const std::string_view> removed() const {
    return std::span(removed_room_).first(removed_);
  }

 private:
  void forget(std::string_view name);

  Arena* arena_ = nullptr;
  std::array<Header, kMax> line_room_;
  std::array<std::string_view, kMax> removed_room_;
  std::size_t lines_ = 0;
  std::size_t removed_ = 0;
};

}  // namespace pointsman
