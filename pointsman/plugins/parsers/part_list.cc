#include "pointsman/plugins/parsers/part_list.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "pointsman/base/json_escape.h"
#include "pointsman/base/text.h"

namespace pointsman {
namespace {

constexpr std::size_t kFirstRoom = 16;
constexpr std::size_t kIdsPerPart = 1024;

// The id that an element is which is no plain integer; nothing when it is none.
std::optional<std::uint32_t> unusual_id(JsonReader::Kind kind, std::string_view text, double value,
                                        IdRule rule) {
  if (rule == IdRule::uint32) {
    if (kind == JsonReader::Kind::null) return 0;
    return number_in<std::uint32_t>(text);
  }
  const auto max = static_cast<double>(UINT32_MAX);
  if (!(value >= 0.0 && value <= max) || std::trunc(value) != value) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

}  // namespace

void PartList::add(const PromptPart& part) {
  if (used_ == kMax) return;
  if (used_ == room_.size()) {
    const auto more = arena_->array<PromptPart>(std::max(kFirstRoom, 2 * used_));
    std::ranges::copy(room_, more.begin());
    room_ = more;
  }
  room_[used_++] = part;
}

void PartList::set(std::size_t i, const PromptPart& part) {
  if (i < used_) room_[i] = part;
}

void PartList::add_text(std::string_view text) {
  if (text.empty()) return;
  add({.kind = PromptPart::Kind::text,
       .size = static_cast<std::uint32_t>(text.size()),
       .bytes = text});
}

void PartList::add_text(const JsonString& text) {
  if (!text.raw.empty()) add(text_part(text));
}

void PartList::add_asset(PromptPart::Kind kind, const JsonString& content) {
  if (!content.raw.empty()) add({.kind = kind, .bytes = unescaped(content.raw, *arena_)});
}

void PartList::add_tokens(std::span<const std::uint32_t> ids) {
  if (used_ == kMax) return;
  const auto copy = arena_->array<std::uint32_t>(ids.size());
  std::ranges::copy(ids, copy.begin());
  add({.kind = PromptPart::Kind::tokens, .tokens = copy});
}

void PartList::append(std::span<const PromptPart> parts) {
  for (const PromptPart& part : parts) add(part);
}

PromptPart text_part(const JsonString& text) {
  return {.kind = text.escaped() ? PromptPart::Kind::escaped : PromptPart::Kind::text,
          .size = static_cast<std::uint32_t>(text.size),
          .bytes = text.raw};
}

IdArray read_ids(JsonReader& json, IdRule rule, PartList& parts) {
  IdArray found;
  std::array<std::uint32_t, kIdsPerPart> ids{};
  while (true) {
    const std::size_t plain = json.next_integers(ids);
    found.count += plain;
    if (plain > 0) parts.add_tokens(std::span(ids).first(plain));
    if (plain == ids.size()) continue;
    if (!json.next_element()) return found;
    // An unusual spelling such as 1e3, or something that is no id.
    const JsonReader::Kind kind = json.peek();
    const std::string_view text = json.skip();
    const double value = kind == JsonReader::Kind::number ? number_value(text) : -1.0;
    if (const auto id = unusual_id(kind, text, value, rule)) {
      ids[0] = *id;
      parts.add_tokens(std::span(ids).first(1));
    } else if (found.odd == JsonReader::Kind::none) {
      found.odd = kind;
      found.odd_index = found.count;
      found.odd_value = value;
    }
    ++found.count;
  }
}

}  // namespace pointsman
