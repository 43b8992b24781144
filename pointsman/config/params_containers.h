#pragma once

// Members that hold several values, or perhaps none. Included by params.h only.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pointsman/config/params_codec.h"

namespace pointsman {

// Absent until written; null makes it absent again.
template <typename T>
struct Codec<std::optional<T>> {
  static void read(Reader& reader, const Node& node, std::optional<T>& out, const void* rule) {
    if (node.is_null()) return out.reset();
    if (!out) out.emplace();
    Codec<T>::read(reader, node, *out, rule);
  }
  static void describe(const std::optional<T>& value, const void* rule, FieldDoc& doc) {
    Codec<T>::describe(value.value_or(T{}), rule, doc);
    if (!value) doc.default_value.clear();
  }
};

template <typename T>
struct Codec<std::vector<T>> {
  static void read(Reader& reader, const Node& node, std::vector<T>& out, const void* rule) {
    const std::string type = "[]" + std::string(go_type<T>());
    if (!node.is_null() && !reader.expect(node, Node::Kind::sequence, type)) return;
    out.clear();
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::size_t before = reader.enter("[" + std::to_string(i) + "]");
      T item{};
      Codec<T>::read(reader, node.items[i], item, rule);
      out.push_back(std::move(item));
      reader.leave(before);
    }
  }
  static void describe(const std::vector<T>& value, const void* rule, FieldDoc& doc) {
    Codec<T>::describe(T{}, rule, doc);
    doc.type = "list of " + doc.type;
    doc.default_value = value.empty() ? "[]" : "";
  }
};

// Written keys are added to the default ones.
template <typename T>
struct Codec<std::map<std::string, T>> {
  static void read(Reader& reader, const Node& node, std::map<std::string, T>& out,
                   const void* rule) {
    if (node.is_null()) return out.clear();
    const std::string type = "map[string]" + std::string(go_type<T>());
    if (!reader.expect(node, Node::Kind::mapping, type)) return;
    for (const Member& member : node.members) {
      const std::size_t before = reader.enter("." + member.key);
      T item{};
      Codec<T>::read(reader, member.value, item, rule);
      out.insert_or_assign(member.key, std::move(item));
      reader.leave(before);
    }
  }
  static void describe(const std::map<std::string, T>& value, const void* rule, FieldDoc& doc) {
    Codec<T>::describe(T{}, rule, doc);
    doc.type = "map of " + doc.type;
    doc.default_value = value.empty() ? "{}" : "";
  }
};

}  // namespace pointsman
