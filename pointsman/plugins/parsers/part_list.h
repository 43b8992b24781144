#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "pointsman/base/arena.h"
#include "pointsman/base/json_reader.h"
#include "pointsman/model/request.h"

namespace pointsman {

// A growing list of prompt parts in a request's arena. It ends at kMax parts, so that a body made
// of crumbs does not take many times its own size; what follows gives no prompt signal.
class PartList {
 public:
  static constexpr std::size_t kMax = 65'536;

  explicit PartList(Arena& arena) : arena_(&arena) {}

  std::size_t size() const { return used_; }
  std::span<PromptPart> all() { return room_.first(used_); }

  void add(const PromptPart& part);
  // Replaces the part if there is one.
  void set(std::size_t i, const PromptPart& part);
  // Text as it is, or the inside of a JSON string; nothing when it is empty.
  void add_text(std::string_view text);
  void add_text(const JsonString& text);
  // An image, audio or video; nothing when `content` is empty.
  void add_asset(PromptPart::Kind kind, const JsonString& content);
  // A copy of the token ids.
  void add_tokens(std::span<const std::uint32_t> ids);
  void append(std::span<const PromptPart> parts);

  // Forgets all but the first `size` parts.
  void truncate(std::size_t size) { used_ = std::min(used_, size); }

 private:
  Arena* arena_;
  std::span<PromptPart> room_;
  std::size_t used_ = 0;
};

// The part that stands for the text; of kind text when the string has no escapes.
PromptPart text_part(const JsonString& text);

// What was found in an array of token ids.
struct IdArray {
  std::size_t count = 0;
  // The first element that is no token id: its kind, place and value. `none`: all are.
  JsonReader::Kind odd = JsonReader::Kind::none;
  std::size_t odd_index = 0;
  double odd_value = 0.0;
};

// What counts as a token id besides plain integers up to 2^32-1.
enum class IdRule : std::uint8_t {
  number,  // other spellings of such a number: 1.0, 1e3 (spec/03 sections 7.4, 7.7)
  uint32,  // null, which Go reads as 0, and no other spelling (section 8.5)
};

// Reads the array just entered to its end and adds the ids to `parts`.
IdArray read_ids(JsonReader& json, IdRule rule, PartList& parts);

}  // namespace pointsman
