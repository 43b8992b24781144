#pragma once

// The machinery behind params.h: how one value of each type is read and described. Templates here
// only choose; the work is done by Reader, which is compiled once.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/config/diagnostic.h"
#include "pointsman/config/node.h"
#include "pointsman/config/quantity.h"

namespace pointsman {

// Inclusive bounds of a number, or of a duration in nanoseconds.
struct Bounds {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

// What documentation and schema say about one field.
struct FieldDoc {
  std::string name = {};
  std::string type = {};           // int, float64, bool, string, duration, object, list of ...
  std::string default_value = {};  // as JSON; empty: none
  std::string allowed = {};        // `between 1 and 10`, `one of "a", "b"`; empty: anything
  std::string help = {};
  std::vector<FieldDoc> fields = {};  // of an object, or of a list or map of objects
};

class Reader;

// One field of one object: where its value goes and how.
struct Slot {
  std::string_view name;
  std::string_view help;
  void* target;      // the member
  const void* rule;  // its Bounds or Names
  void (*read)(Reader& reader, const Node& node, void* target, const void* rule);
  void (*describe)(const void* target, const void* rule, FieldDoc& doc);
};

// Whose rules of decoding hold, and how problems are worded.
enum class Dialect : std::uint8_t {
  parameters,  // of a plugin: keys match without regard to case
  document,    // the configuration itself: keys match exactly, an unknown one is a lesser problem
};

// Reads values of one block and collects what is wrong with them. Go's rules of decoding JSON
// hold: null keeps the default, whole numbers may be written as 3.0, and problems are found in
// the sorted order of keys.
class Reader {
 public:
  // `path` is that of the block; problems name fields below it. `document`: what kind of document
  // is read, for their texts.
  explicit Reader(std::string path, Dialect dialect = Dialect::parameters,
                  std::string_view document = "EndpointPickerConfig")
      : dialect_(dialect), document_(document), path_(std::move(path)), base_(path_.size()) {}

  const Diagnostics& problems() const { return problems_; }
  // Of a document: `unknown field "plugins[0].foo"`. Of parameters: empty, as they are problems.
  const Diagnostics& unknown_fields() const { return unknown_; }

  void object(const Node& node, std::span<const Slot> slots);
  void value(const Node& node, bool& out, const Bounds& bounds);
  void value(const Node& node, int& out, const Bounds& bounds);
  void value(const Node& node, std::int64_t& out, const Bounds& bounds);
  void value(const Node& node, double& out, const Bounds& bounds);
  void value(const Node& node, std::string& out, const Bounds& bounds);
  // An empty text keeps the default. A bare number is refused, since its unit would be a guess.
  void value(const Node& node, std::chrono::nanoseconds& out, const Bounds& bounds);
  // A text or a bare number.
  void value(const Node& node, Quantity& out, const Bounds& bounds);
  // The raw value, for what has no fixed shape: a copy, or where it stands.
  void value(const Node& node, Node& out, const Bounds& bounds);
  void value(const Node& node, const Node*& out, const Bounds& bounds);
  // The place of the text among `names`, or none after a report.
  std::optional<std::size_t> choice(const Node& node, std::span<const std::string_view> names);

  // False, with a report, if the node is not of this kind.
  bool expect(const Node& node, Node::Kind kind, std::string_view type);
  // Steps into a member `.key` or an item `[3]`; leave() takes what enter() returned.
  std::size_t enter(std::string_view segment);
  void leave(std::size_t before) { path_.resize(before); }

 private:
  const Slot* find(std::span<const Slot> slots, std::string_view key) const;
  void unknown_field(const Member& member, std::span<const Slot> slots);
  void report(const Node& node, std::string text, std::string hint = {});
  void mismatch(const Node& node, std::string_view type);
  bool within(const Node& node, double number, const Bounds& bounds, bool duration);
  std::optional<std::int64_t> whole(const Node& node, std::string_view type);

  Dialect dialect_;
  std::string_view document_;
  std::string path_;
  std::size_t base_;  // length of the block's path
  Diagnostics problems_;
  Diagnostics unknown_;
};

// What Reader::value() reads, as documentation.
void describe(const bool& value, const Bounds& bounds, FieldDoc& doc);
void describe(const int& value, const Bounds& bounds, FieldDoc& doc);
void describe(const std::int64_t& value, const Bounds& bounds, FieldDoc& doc);
void describe(const double& value, const Bounds& bounds, FieldDoc& doc);
void describe(const std::string& value, const Bounds& bounds, FieldDoc& doc);
void describe(const std::chrono::nanoseconds& value, const Bounds& bounds, FieldDoc& doc);
void describe(const Quantity& value, const Bounds& bounds, FieldDoc& doc);
void describe(const Node& value, const Bounds& bounds, FieldDoc& doc);
void describe(const Node* const& value, const Bounds& bounds, FieldDoc& doc);
void describe_choice(std::size_t chosen, std::span<const std::string_view> names, FieldDoc& doc);
std::vector<FieldDoc> describe(std::span<const Slot> slots);

// The problem of a rule across fields: it stands where the block does.
Diagnostic across_fields(const std::string& path, const Node* block, const std::string& text);

}  // namespace pointsman
