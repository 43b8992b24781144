#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pointsman {

struct Member;

// Where something was written, 1-based; 0: made by us, not read from a text.
struct Place {
  int line = 0;
  int column = 0;

  bool operator==(const Place&) const = default;
};

// One value of a YAML or JSON document and the place where it was written. A plain value: it
// owns its text and its children, so it may be copied, moved and edited freely.
struct Node {
  enum class Kind : std::uint8_t { null, boolean, integer, floating, string, sequence, mapping };

  Kind kind = Kind::null;
  bool boolean = false;         // of a boolean
  std::int64_t integer = 0;     // of an integer
  double number = 0.0;          // of an integer or floating
  std::string text;             // of a scalar: as written, without quotes and escapes
  std::vector<Node> items;      // of a sequence
  std::vector<Member> members;  // of a mapping, in written order; each key once
  int line = 0;                 // 1-based; 0: not read from a text
  int column = 0;               // 1-based

  Place place() const { return {line, column}; }
  bool is_null() const { return kind == Kind::null; }
  bool is_string() const { return kind == Kind::string; }
  bool is_sequence() const { return kind == Kind::sequence; }
  bool is_mapping() const { return kind == Kind::mapping; }

  // The value of `key`, or null if this is no mapping or has no such key. Case matters.
  const Node* find(std::string_view key) const;
};

// A key of a mapping with its value.
struct Member {
  std::string key;
  int line = 0;
  int column = 0;
  Node value;
};

// What JSON calls the kind: null, bool, number, string, array or object.
std::string_view json_kind(const Node& node);

// Compact JSON with sorted keys, escaped as Go's encoding/json does. Infinite and undefined
// numbers, which JSON lacks, are written as null.
std::string to_json(const Node& node);

// The number as JSON and ECMAScript write it: shortest form, exponent only below 1e-6 and from
// 1e21 on. REQUIRES: `value` is finite.
std::string number_text(double value);

// `text` in double quotes for a message, as Go's %q writes it: quotes, backslashes and control
// characters escaped, everything else as it is.
std::string in_quotes(std::string_view text);

}  // namespace pointsman
