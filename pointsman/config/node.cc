#include "pointsman/config/node.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/bug.h"
#include "pointsman/base/quoted_json.h"

namespace pointsman {
namespace {

void append_json(std::string& out, const Node& node);

void append_object(std::string& out, const std::vector<Member>& members) {
  std::vector<const Member*> sorted;
  sorted.reserve(members.size());
  for (const Member& member : members) sorted.push_back(&member);
  std::ranges::sort(sorted, {},
                    [](const Member* member) -> std::string_view { return member->key; });
  out += '{';
  for (const Member* member : sorted) {
    if (member != sorted.front()) out += ',';
    append_quoted_json(out, member->key);
    out += ':';
    append_json(out, member->value);
  }
  out += '}';
}

void append_array(std::string& out, const std::vector<Node>& items) {
  out += '[';
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ',';
    append_json(out, items[i]);
  }
  out += ']';
}

// Recursion is as deep as the document, which its reader bounds.
void append_json(std::string& out, const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      out += "null";
      return;
    case Node::Kind::boolean:
      out += node.boolean ? "true" : "false";
      return;
    case Node::Kind::integer:
      out += std::to_string(node.integer);
      return;
    case Node::Kind::floating:
      out += std::isfinite(node.number) ? number_text(node.number) : "null";
      return;
    case Node::Kind::string:
      append_quoted_json(out, node.text);
      return;
    case Node::Kind::sequence:
      append_array(out, node.items);
      return;
    case Node::Kind::mapping:
      append_object(out, node.members);
      return;
  }
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(members, key, &Member::key);
  return found == members.end() ? nullptr : &found->value;
}

std::string_view json_kind(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "null";
    case Node::Kind::boolean:
      return "bool";
    case Node::Kind::integer:
    case Node::Kind::floating:
      return "number";
    case Node::Kind::string:
      return "string";
    case Node::Kind::sequence:
      return "array";
    case Node::Kind::mapping:
      return "object";
  }
  bug("unknown kind of node");
}

std::string to_json(const Node& node) {
  std::string out;
  append_json(out, node);
  return out;
}

std::string number_text(double value) {
  const double size = std::abs(value);
  const bool exponent = size != 0.0 && (size < 1e-6 || size >= 1e21);
  std::array<char, 400> buffer{};  // DBL_MAX in fixed form has 309 digits
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                    exponent ? std::chars_format::scientific : std::chars_format::fixed);
  if (error != std::errc()) bug("a finite number does not fit its buffer");
  std::string out(buffer.data(), end);
  // One-digit exponents are written without a leading zero: 1e-7, not 1e-07.
  const auto e = out.find('e');
  if (e != std::string::npos && out.size() == e + 4 && out[e + 2] == '0') out.erase(e + 2, 1);
  return out;
}

std::string in_quotes(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\x";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace pointsman
