#include "pointsman/config/params_reader.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/base/text.h"
#include "pointsman/config/duration.h"
#include "pointsman/config/nearest.h"

namespace pointsman {
namespace {

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return to_lower(x) == to_lower(y); });
}

std::string spoken(double value, bool duration) {
  if (!duration) return number_text(value);
  return format_duration(std::chrono::nanoseconds(static_cast<std::int64_t>(value)));
}

std::string spoken(const Bounds& bounds, bool duration) {
  const bool low = std::isfinite(bounds.low);
  const bool high = std::isfinite(bounds.high);
  if (low && high) {
    return "between " + spoken(bounds.low, duration) + " and " + spoken(bounds.high, duration);
  }
  if (low) return "at least " + spoken(bounds.low, duration);
  if (high) return "at most " + spoken(bounds.high, duration);
  return "";
}

std::string one_of(std::span<const std::string_view> names) {
  std::string out = "one of ";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += ", ";
    out += in_quotes(names[i]);
  }
  return out;
}

// A number as Go's messages show it.
std::string shown(const Node& node) {
  return node.kind == Node::Kind::integer ? std::to_string(node.integer) : number_text(node.number);
}

void describe_number(std::string_view type, double value, const Bounds& bounds, FieldDoc& doc) {
  doc.type = type;
  doc.default_value = std::isfinite(value) ? number_text(value) : "";
  doc.allowed = spoken(bounds, false);
}

}  // namespace

void Reader::object(const Node& node, std::span<const Slot> slots) {
  if (node.is_null() || !expect(node, Node::Kind::mapping, "object")) return;
  std::vector<const Member*> sorted;
  sorted.reserve(node.members.size());
  for (const Member& member : node.members) sorted.push_back(&member);
  std::ranges::sort(sorted, {}, [](const Member* member) { return std::string_view(member->key); });
  for (const Member* member : sorted) {
    const std::size_t before = enter("." + member->key);
    if (const Slot* slot = find(slots, member->key)) {
      slot->read(*this, member->value, slot->target, slot->rule);
    } else {
      unknown_field(*member, slots);
    }
    leave(before);
  }
}

const Slot* Reader::find(std::span<const Slot> slots, std::string_view key) const {
  auto found = std::ranges::find(slots, key, &Slot::name);
  if (found == slots.end() && dialect_ == Dialect::parameters) {
    found = std::ranges::find_if(slots, [&](const Slot& s) { return same_letters(s.name, key); });
  }
  return found == slots.end() ? nullptr : &*found;
}

void Reader::unknown_field(const Member& member, std::span<const Slot> slots) {
  std::vector<std::string_view> known;
  known.reserve(slots.size());
  for (const Slot& each : slots) known.push_back(each.name);
  const bool document = dialect_ == Dialect::document;
  (document ? unknown_ : problems_)
      .push_back({.path = path_,
                  .line = member.line,
                  .column = member.column,
                  .text = document ? "unknown field " + in_quotes(path_)
                                   : "json: unknown field " + in_quotes(member.key),
                  .hint = suggestion(member.key, known)});
}

void Reader::value(const Node& node, bool& out, const Bounds& /*bounds*/) {
  if (node.is_null() || !expect(node, Node::Kind::boolean, "bool")) return;
  out = node.boolean;
}

void Reader::value(const Node& node, int& out, const Bounds& bounds) {
  if (node.is_null()) return;
  const auto number = whole(node, "int");
  if (!number || !within(node, static_cast<double>(*number), bounds, false)) return;
  if (!std::in_range<int>(*number)) return mismatch(node, "int");
  out = static_cast<int>(*number);
}

void Reader::value(const Node& node, std::int64_t& out, const Bounds& bounds) {
  if (node.is_null()) return;
  const auto number = whole(node, "int");  // Go's int has 64 bits
  if (!number || !within(node, static_cast<double>(*number), bounds, false)) return;
  out = *number;
}

void Reader::value(const Node& node, double& out, const Bounds& bounds) {
  if (node.is_null()) return;
  const bool number = node.kind == Node::Kind::integer || node.kind == Node::Kind::floating;
  if (!number) return mismatch(node, "float64");
  if (!std::isfinite(node.number)) {
    return report(node, "json: unsupported value: " + node.text);
  }
  if (within(node, node.number, bounds, false)) out = node.number;
}

void Reader::value(const Node& node, std::string& out, const Bounds& /*bounds*/) {
  if (node.is_null() || !expect(node, Node::Kind::string, "string")) return;
  out = node.text;
}

void Reader::value(const Node& node, std::chrono::nanoseconds& out, const Bounds& bounds) {
  if (node.is_null() || !expect(node, Node::Kind::string, "string")) return;
  const bool document = dialect_ == Dialect::document;
  if (node.text.empty() && !document) return;
  const auto duration = parse_duration(node.text);
  if (!duration) {
    const std::string name = "invalid '" + path_.substr(path_.rfind('.') + 1) + "': ";
    return report(node, (document ? "" : name) + duration.error().message);
  }
  if (within(node, static_cast<double>(duration->count()), bounds, true)) out = *duration;
}

void Reader::value(const Node& node, Quantity& out, const Bounds& /*bounds*/) {
  if (node.is_null()) return;
  const bool number = node.kind == Node::Kind::integer || node.kind == Node::Kind::floating;
  if (number && !std::isfinite(node.number)) {
    return report(node, "json: unsupported value: " + node.text);
  }
  // Values of other kinds have no text that could be a quantity.
  const auto quantity = parse_quantity(number ? shown(node) : node.is_string() ? node.text : "");
  if (!quantity) return report(node, quantity.error().message);
  out = *quantity;
}

void Reader::value(const Node& node, Node& out, const Bounds& /*bounds*/) {
  out = node;
}

void Reader::value(const Node& node, const Node*& out, const Bounds& /*bounds*/) {
  out = &node;
}

std::optional<std::size_t> Reader::choice(const Node& node,
                                          std::span<const std::string_view> names) {
  if (node.is_null() || !expect(node, Node::Kind::string, "string")) return std::nullopt;
  const auto found = std::ranges::find(names, node.text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  report(node, path_ + ": must be " + one_of(names) + ", got " + in_quotes(node.text),
         suggestion(node.text, names));
  return std::nullopt;
}

bool Reader::expect(const Node& node, Node::Kind kind, std::string_view type) {
  if (node.kind == kind) return true;
  mismatch(node, type);
  return false;
}

std::size_t Reader::enter(std::string_view segment) {
  const std::size_t before = path_.size();
  if (path_.empty() && segment.starts_with('.')) segment.remove_prefix(1);
  path_ += segment;
  return before;
}

void Reader::report(const Node& node, std::string text, std::string hint) {
  problems_.push_back({.path = path_,
                       .line = node.line,
                       .column = node.column,
                       .text = std::move(text),
                       .hint = std::move(hint)});
}

void Reader::mismatch(const Node& node, std::string_view type) {
  std::string found(json_kind(node));
  // Go shows the number itself only where a number of another shape is wanted.
  const bool wants_number = type.starts_with("int") || type == "float64";
  if (found == "number" && wants_number) found += " " + shown(node);
  const std::string field = path_.substr(base_);
  const std::string owner =
      dialect_ == Dialect::document ? std::string(document_) + "." : "parameters";
  report(node, "json: cannot unmarshal " + found +
                   (field.empty() ? " into Go value of type "
                                  : " into Go struct field " + owner + field + " of type ") +
                   std::string(type));
}

// Written so that an undefined number fails.
bool Reader::within(const Node& node, double number, const Bounds& bounds, bool duration) {
  if (bounds.low <= number && number <= bounds.high) return true;
  report(node, path_ + ": must be " + spoken(bounds, duration));
  return false;
}

std::optional<std::int64_t> Reader::whole(const Node& node, std::string_view type) {
  if (node.kind == Node::Kind::integer) return node.integer;
  // 2^63 is the first double above every int64.
  if (node.kind == Node::Kind::floating && std::trunc(node.number) == node.number &&
      node.number >= -0x1p63 && node.number < 0x1p63) {
    return static_cast<std::int64_t>(node.number);
  }
  if (node.kind == Node::Kind::floating && !std::isfinite(node.number)) {
    report(node, "json: unsupported value: " + node.text);
  } else {
    mismatch(node, type);
  }
  return std::nullopt;
}

void describe(const bool& value, const Bounds& /*bounds*/, FieldDoc& doc) {
  doc.type = "bool";
  doc.default_value = value ? "true" : "false";
}

void describe(const int& value, const Bounds& bounds, FieldDoc& doc) {
  describe_number("int", value, bounds, doc);
}

void describe(const std::int64_t& value, const Bounds& bounds, FieldDoc& doc) {
  describe_number("int", static_cast<double>(value), bounds, doc);
  doc.default_value = std::to_string(value);
}

void describe(const double& value, const Bounds& bounds, FieldDoc& doc) {
  describe_number("float64", value, bounds, doc);
}

void describe(const std::string& value, const Bounds& /*bounds*/, FieldDoc& doc) {
  doc.type = "string";
  doc.default_value = in_quotes(value);
}

void describe(const std::chrono::nanoseconds& value, const Bounds& bounds, FieldDoc& doc) {
  doc.type = "duration";
  doc.default_value = in_quotes(format_duration(value));
  doc.allowed = spoken(bounds, true);
}

void describe(const Quantity& value, const Bounds& /*bounds*/, FieldDoc& doc) {
  doc.type = "quantity";
  if (!value.text.empty()) doc.default_value = in_quotes(value.text);
}

void describe(const Node& /*value*/, const Bounds& /*bounds*/, FieldDoc& doc) {
  doc.type = "any";
}

void describe(const Node* const& /*value*/, const Bounds& /*bounds*/, FieldDoc& doc) {
  doc.type = "any";
}

void describe_choice(std::size_t chosen, std::span<const std::string_view> names, FieldDoc& doc) {
  doc.type = "string";
  doc.default_value = chosen < names.size() ? in_quotes(names[chosen]) : "";
  doc.allowed = one_of(names);
}

std::vector<FieldDoc> describe(std::span<const Slot> slots) {
  std::vector<FieldDoc> docs;
  docs.reserve(slots.size());
  for (const Slot& slot : slots) {
    FieldDoc doc{.name = std::string(slot.name), .help = std::string(slot.help)};
    slot.describe(slot.target, slot.rule, doc);
    docs.push_back(std::move(doc));
  }
  return docs;
}

Diagnostic across_fields(const std::string& path, const Node* block, const std::string& text) {
  Diagnostic problem{.path = path, .text = text};
  if (block != nullptr) {
    problem.line = block->line;
    problem.column = block->column;
  }
  return problem;
}

}  // namespace pointsman
