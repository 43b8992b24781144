#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/config/diagnostic.h"
#include "pointsman/config/make_node.h"
#include "pointsman/config/node.h"

namespace pointsman {

class DocumentEditor;

// What was written in earlier (or later) releases, and what becomes of it. The rows belong to
// whoever knows the plugins; here is only how they are carried out.
struct Rename {
  enum class Action : std::uint8_t {
    accept,     // works as it is written; whoever reads it says that it is deprecated
    translate,  // the document is changed before it is decoded, with one warning
    refuse,     // the problem that it causes says what to write instead
  };

  std::string_view written;  // for people: what documents say
  std::string_view today;    // for people: what to write
  Action action = Action::translate;
  void (*apply)(const Rename& row, DocumentEditor& document) = nullptr;
  std::string_view from = {};  // what `apply` looks for: a type, a gate, a field
  std::string_view to = {};    // and what it makes of it
  std::string_view in = {};    // the type of the plugin that `from` is a parameter of
};

// A document under change: its tree, and what there is to say about it. Kept members and items
// keep their places, so that patch_text() can carry the changes over into the text.
class DocumentEditor {
 public:
  explicit DocumentEditor(Node root) : root_(std::move(root)) {}

  Node& root() { return root_; }
  // The value of a path of keys, or nullptr.
  Node* find(std::string_view key) { return find(root_, key); }
  static Node* find(Node& mapping, std::string_view key);
  // The member with its key, or nullptr.
  static Member* member(Node& mapping, std::string_view key);
  // Takes a member out of a mapping.
  static std::optional<Member> take(Node& mapping, std::string_view key);
  // The mapping under that key, made if it is not there; nullptr if something else stands there.
  static Node* section(Node& mapping, std::string_view key);
  static void set(Node& mapping, std::string_view key, Node value);

  // Plugins, by their type; a plugin is a mapping in the list `plugins`.
  std::vector<Node*> plugins(std::string_view type);
  Node* plugin_named(std::string_view name);
  static std::string type_of(const Node& plugin);
  static std::string name_of(const Node& plugin);  // its type when it has no name of its own
  // Its parameters, or nullptr when it has none or they are no mapping.
  static Node* parameters(Node& plugin);
  // Removes the parameters when none is left.
  static void tidy_parameters(Node& plugin);
  // Gives a plugin another type. A plugin that was named by its type is named by the new one, and
  // every reference follows, unless that name is taken: then it keeps its own.
  void change_type(Node& plugin, std::string_view type);
  // Adds a plugin at the end of the list; what is wrong with it is said at `because`. Invalidates
  // pointers to plugins.
  void add_plugin(std::string_view type, std::string_view name, Node parameters, Place because);
  // The place that stands for a plugin that was added.
  Place added_at(std::string_view name) const;

  // One warning: `DEPRECATION: <written> is deprecated; use <today>`, then `more` in parentheses.
  void translated(const Rename& row, Place place, std::string path, std::string_view more = {});
  // Whatever problem is found at that place has this hint; if none is found, this is one.
  void refused(const Rename& row, Place place, std::string path);

  const Diagnostics& warnings() const { return warnings_; }
  const Diagnostics& repairs() const { return repairs_; }
  Node take_root() { return std::move(root_); }

 private:
  Node* plugin_list();

  Node root_;
  Diagnostics warnings_;
  Diagnostics repairs_;
  std::vector<std::pair<std::string, Place>> added_;
};

// Carries out every row in order.
void apply(std::span<const Rename> rows, DocumentEditor& document);

// Gives every problem at the place of a refused spelling the hint that says what to write.
void add_hints(Diagnostics& problems, const Diagnostics& repairs);

}  // namespace pointsman
