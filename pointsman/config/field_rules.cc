#include "pointsman/config/field_rules.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

#include "pointsman/config/duration.h"

namespace pointsman {
namespace {

constexpr std::string_view kList = "list of ";
constexpr std::string_view kMap = "map of ";

double bound(std::string_view text, bool duration) {
  if (duration) {
    const auto value = parse_duration(text);
    return value ? static_cast<double>(value->count()) : 0.0;
  }
  double value = 0.0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// A field of a table, and the type that is left of it inside of lists and maps.
struct Rule {
  const FieldDoc* field;
  std::string_view type;
};

void read(Reader& reader, const Node& node, const Rule& rule);

// Slot::read: `rule` is the FieldDoc itself; nothing is kept of the value.
void read_field(Reader& reader, const Node& node, void* /*target*/, const void* rule) {
  const auto* const field = static_cast<const FieldDoc*>(rule);
  read(reader, node, {field, field->type});
}

void read_object(Reader& reader, const Node& node, std::span<const FieldDoc> fields) {
  std::vector<Slot> slots;
  slots.reserve(fields.size());
  for (const FieldDoc& field : fields) {
    slots.push_back({.name = field.name,
                     .help = field.help,
                     .target = nullptr,
                     .rule = &field,
                     .read = read_field,
                     .describe = nullptr});
  }
  reader.object(node, slots);
}

void read_list(Reader& reader, const Node& node, const Rule& item) {
  if (node.is_null() || !reader.expect(node, Node::Kind::sequence, "[]")) return;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const std::size_t before = reader.enter("[" + std::to_string(i) + "]");
    read(reader, node.items[i], item);
    reader.leave(before);
  }
}

void read_map(Reader& reader, const Node& node, const Rule& item) {
  if (node.is_null() || !reader.expect(node, Node::Kind::mapping, "map[string]")) return;
  for (const Member& member : node.members) {
    const std::size_t before = reader.enter("." + member.key);
    read(reader, member.value, item);
    reader.leave(before);
  }
}

void read_choice(Reader& reader, const Node& node, const FieldDoc& field) {
  const std::vector<std::string> choices = choices_of(field);
  const std::vector<std::string_view> names(choices.begin(), choices.end());
  (void)reader.choice(node, names);
}

template <typename T>
void read_as(Reader& reader, const Node& node, const FieldDoc& field) {
  T ignored{};
  reader.value(node, ignored, bounds_of(field));
}

void read(Reader& reader, const Node& node, const Rule& rule) {
  const FieldDoc& field = *rule.field;
  const std::string_view type = rule.type;
  if (type.starts_with(kList)) {
    read_list(reader, node, {&field, type.substr(kList.size())});
  } else if (type.starts_with(kMap)) {
    read_map(reader, node, {&field, type.substr(kMap.size())});
  } else if (type == "object") {
    read_object(reader, node, field.fields);
  } else if (type == "bool") {
    read_as<bool>(reader, node, field);
  } else if (type == "int") {
    // Whether int or int64 is meant the table does not say; words differ for other kinds only.
    if (node.kind == Node::Kind::integer) return read_as<std::int64_t>(reader, node, field);
    read_as<int>(reader, node, field);
  } else if (type == "float64") {
    read_as<double>(reader, node, field);
  } else if (type == "duration") {
    read_as<std::chrono::nanoseconds>(reader, node, field);
  } else if (type == "quantity") {
    read_as<Quantity>(reader, node, field);
  } else if (type == "string" && !choices_of(field).empty()) {
    read_choice(reader, node, field);
  } else if (type == "string") {
    read_as<std::string>(reader, node, field);
  }
}

}  // namespace

Bounds bounds_of(const FieldDoc& field) {
  constexpr std::string_view kBetween = "between ";
  constexpr std::string_view kLeast = "at least ";
  constexpr std::string_view kMost = "at most ";
  constexpr std::string_view kAnd = " and ";
  const std::string_view text = field.allowed;
  const bool duration = field.type.ends_with("duration");
  Bounds bounds;
  if (text.starts_with(kLeast)) bounds.low = bound(text.substr(kLeast.size()), duration);
  if (text.starts_with(kMost)) bounds.high = bound(text.substr(kMost.size()), duration);
  const std::size_t both = text.find(kAnd);
  if (text.starts_with(kBetween) && both != std::string_view::npos) {
    bounds.low = bound(text.substr(kBetween.size(), both - kBetween.size()), duration);
    bounds.high = bound(text.substr(both + kAnd.size()), duration);
  }
  return bounds;
}

std::vector<std::string> choices_of(const FieldDoc& field) {
  constexpr std::string_view kOneOf = "one of ";
  std::vector<std::string> choices;
  if (!field.allowed.starts_with(kOneOf)) return choices;
  std::string_view rest = std::string_view(field.allowed).substr(kOneOf.size());
  while (rest.starts_with('"')) {
    const std::size_t end = rest.find('"', 1);
    if (end == std::string_view::npos) break;
    choices.emplace_back(rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
    if (rest.starts_with(", ")) rest.remove_prefix(2);
  }
  return choices;
}

Diagnostics check_fields(const Block& block, std::span<const FieldDoc> fields) {
  if (block.node == nullptr) return {};
  Reader reader(block.path);
  read_object(reader, *block.node, fields);
  return reader.problems();
}

}  // namespace pointsman
