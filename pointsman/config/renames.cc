#include "pointsman/config/renames.h"

#include <algorithm>
#include <utility>

namespace pointsman {
namespace {

// Follows a plugin's new name in every `pluginRef` below.
void follow(Node& node, std::string_view from, std::string_view to) {
  for (Node& item : node.items) follow(item, from, to);
  for (Member& member : node.members) {
    const bool reference = member.key == "pluginRef" && member.value.is_string();
    if (reference && member.value.text == from) member.value.text = to;
    follow(member.value, from, to);
  }
}

}  // namespace

Node* DocumentEditor::find(Node& mapping, std::string_view key) {
  Member* const found = member(mapping, key);
  return found == nullptr ? nullptr : &found->value;
}

Member* DocumentEditor::member(Node& mapping, std::string_view key) {
  const auto found = std::ranges::find(mapping.members, key, &Member::key);
  return found == mapping.members.end() ? nullptr : &*found;
}

std::optional<Member> DocumentEditor::take(Node& mapping, std::string_view key) {
  const auto found = std::ranges::find(mapping.members, key, &Member::key);
  if (found == mapping.members.end()) return std::nullopt;
  Member taken = std::move(*found);
  mapping.members.erase(found);
  return taken;
}

Node* DocumentEditor::section(Node& mapping, std::string_view key) {
  if (!mapping.is_mapping()) return nullptr;
  Node* const there = find(mapping, key);
  if (there == nullptr) {
    mapping.members.push_back({.key = std::string(key), .value = map_node()});
    return &mapping.members.back().value;
  }
  if (there->is_null()) *there = map_node();
  return there->is_mapping() ? there : nullptr;
}

void DocumentEditor::set(Node& mapping, std::string_view key, Node value) {
  if (Node* const there = find(mapping, key)) {
    *there = std::move(value);
  } else {
    mapping.members.push_back({.key = std::string(key), .value = std::move(value)});
  }
}

Node* DocumentEditor::plugin_list() {
  Node* const list = find("plugins");
  return list != nullptr && list->is_sequence() ? list : nullptr;
}

std::vector<Node*> DocumentEditor::plugins(std::string_view type) {
  std::vector<Node*> found;
  Node* const list = plugin_list();
  if (list == nullptr) return found;
  for (Node& plugin : list->items) {
    if (type_of(plugin) == type) found.push_back(&plugin);
  }
  return found;
}

Node* DocumentEditor::plugin_named(std::string_view name) {
  Node* const list = plugin_list();
  if (list == nullptr) return nullptr;
  const auto found = std::ranges::find_if(
      list->items, [&](const Node& plugin) { return name_of(plugin) == name; });
  return found == list->items.end() ? nullptr : &*found;
}

std::string DocumentEditor::type_of(const Node& plugin) {
  const Node* const type = plugin.find("type");
  return type != nullptr && type->is_string() ? type->text : "";
}

std::string DocumentEditor::name_of(const Node& plugin) {
  const Node* const name = plugin.find("name");
  return name != nullptr && name->is_string() && !name->text.empty() ? name->text : type_of(plugin);
}

Node* DocumentEditor::parameters(Node& plugin) {
  Node* const parameters = find(plugin, "parameters");
  return parameters != nullptr && parameters->is_mapping() ? parameters : nullptr;
}

void DocumentEditor::tidy_parameters(Node& plugin) {
  const Node* const left = parameters(plugin);
  if (left != nullptr && left->members.empty()) take(plugin, "parameters");
}

void DocumentEditor::change_type(Node& plugin, std::string_view type) {
  const std::string old_name = name_of(plugin);
  const Node* const written = plugin.find("name");
  const bool own_name = written != nullptr && written->is_string() && !written->text.empty();
  if (!own_name && plugin_named(type) == nullptr) {
    follow(root_, old_name, type);
  } else if (!own_name) {
    set(plugin, "name", text_node(old_name));
  }
  if (Node* const there = find(plugin, "type")) there->text = type;
}

Place DocumentEditor::added_at(std::string_view name) const {
  for (const auto& [added, place] : added_) {
    if (added == name) return place;
  }
  return {};
}

void DocumentEditor::add_plugin(std::string_view type, std::string_view name, Node parameters,
                                Place because) {
  added_.emplace_back(name, because);
  Node plugin = map_node();
  set(plugin, "type", text_node(type));
  if (name != type) set(plugin, "name", text_node(name));
  if (!parameters.members.empty()) set(plugin, "parameters", std::move(parameters));
  Node* list = find("plugins");
  if (list == nullptr) {
    root_.members.push_back({.key = "plugins", .value = {}});
    list = &root_.members.back().value;
  }
  if (list->is_null()) list->kind = Node::Kind::sequence;
  if (!list->is_sequence()) return;  // decoding says what is wrong
  list->items.push_back(std::move(plugin));
}

void DocumentEditor::translated(const Rename& row, Place place, std::string path,
                                std::string_view more) {
  Diagnostic warning{.path = std::move(path),
                     .line = place.line,
                     .column = place.column,
                     .text = "DEPRECATION: " + std::string(row.written) + " is deprecated; use " +
                             std::string(row.today)};
  if (!more.empty()) warning.text.append(": ").append(more);
  warnings_.push_back(std::move(warning));
}

void DocumentEditor::refused(const Rename& row, Place place, std::string path) {
  repairs_.push_back({.path = std::move(path),
                      .line = place.line,
                      .column = place.column,
                      .text = std::string(row.written) + " is not supported any more",
                      .hint = std::string(row.today)});
}

void apply(std::span<const Rename> rows, DocumentEditor& document) {
  for (const Rename& row : rows) {
    if (row.apply != nullptr) row.apply(row, document);
  }
}

void add_hints(Diagnostics& problems, const Diagnostics& repairs) {
  for (Diagnostic& problem : problems) {
    for (const Diagnostic& repair : repairs) {
      const bool here = problem.line == repair.line && problem.column == repair.column;
      if (here && problem.line > 0) problem.hint = repair.hint;
    }
  }
}

}  // namespace pointsman
