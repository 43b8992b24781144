#include "pointsman/stage/header_edits.h"

#include <algorithm>

namespace pointsman {

void HeaderEdits::forget(std::string_view name) {
  const auto lines = std::span(line_room_).first(lines_);
  lines_ -= std::ranges::remove(lines, name, &Header::name).size();
  const auto names = std::span(removed_room_).first(removed_);
  removed_ -= std::ranges::remove(names, name).size();
}

void HeaderEdits::set(std::string_view name, std::string_view value) {
  forget(name);
  if (lines_ == kMax) return;
  line_room_[lines_++] = {arena_->copy(name), arena_->copy(value)};
}

void HeaderEdits::remove(std::string_view name) {
  forget(name);
  if (removed_ == kMax) return;
  removed_room_[removed_++] = arena_->copy(name);
}

}  // namespace pointsman
