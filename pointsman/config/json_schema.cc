#include "pointsman/config/json_schema.h"

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "pointsman/config/endpoint_picker_config.h"
#include "pointsman/config/field_rules.h"
#include "pointsman/config/make_node.h"
#include "pointsman/config/renames.h"
#include "pointsman/config/yaml.h"

namespace pointsman {
namespace {

Member entry(std::string_view key, Node value) {
  return {.key = std::string(key), .value = std::move(value)};
}

Node bound_node(double value) {
  if (std::trunc(value) == value && std::abs(value) < 0x1p53) {
    return whole_node(static_cast<std::int64_t>(value));
  }
  return number_node(value);
}

Node one_type(std::string_view type) {
  return map_node({entry("type", text_node(type))});
}

// The schema of a value of this type, as FieldDoc::type names it.
Node schema_of(std::string_view type, const FieldDoc& doc) {
  constexpr std::string_view kList = "list of ";
  constexpr std::string_view kMap = "map of ";
  if (type.starts_with(kList)) {
    return map_node({entry("type", text_node("array")),
                     entry("items", schema_of(type.substr(kList.size()), doc))});
  }
  if (type.starts_with(kMap)) {
    return map_node({entry("type", text_node("object")),
                     entry("additionalProperties", schema_of(type.substr(kMap.size()), doc))});
  }
  if (type == "object") return object_schema(doc.fields);
  if (type == "any") return map_node();
  if (type == "quantity") {
    return map_node({entry("type", list_node({text_node("string"), text_node("number")}))});
  }
  if (type == "duration") {
    Node schema = one_type("string");
    schema.members.push_back(entry("format", text_node("go-duration")));
    return schema;
  }
  if (type == "string" && !choices_of(doc).empty()) {
    Node choices = list_node();
    for (const std::string& each : choices_of(doc)) choices.items.push_back(text_node(each));
    return map_node({entry("enum", std::move(choices))});
  }
  if (type != "int" && type != "float64") return one_type(type == "bool" ? "boolean" : type);
  Node schema = one_type(type == "int" ? "integer" : "number");
  const Bounds bounds = bounds_of(doc);
  if (std::isfinite(bounds.low)) schema.members.push_back(entry("minimum", bound_node(bounds.low)));
  if (std::isfinite(bounds.high)) {
    schema.members.push_back(entry("maximum", bound_node(bounds.high)));
  }
  return schema;
}

Node field_schema(const FieldDoc& doc) {
  Node schema = schema_of(doc.type, doc);
  if (!doc.help.empty()) schema.members.push_back(entry("description", text_node(doc.help)));
  if (doc.default_value.empty()) return schema;
  if (auto value = read_yaml(doc.default_value)) {
    schema.members.push_back(entry("default", std::move(value->root)));
  }
  return schema;
}

// `if type is T then parameters are as its table says`.
Node rule_of(const PluginDoc& plugin) {
  Node is = map_node(
      {entry("properties",
             map_node({entry("type", map_node({entry("const", text_node(plugin.type))}))}))});
  Node parameters = plugin.ignores_parameters ? map_node() : object_schema(plugin.parameters);
  Node then =
      map_node({entry("properties", map_node({entry("parameters", std::move(parameters))}))});
  return map_node({entry("if", std::move(is)), entry("then", std::move(then))});
}

Node plugin_schema(Node schema, std::span<const PluginDoc> plugins) {
  Node types = list_node();
  Node rules = list_node();
  for (const PluginDoc& plugin : plugins) {
    types.items.push_back(text_node(plugin.type));
    rules.items.push_back(rule_of(plugin));
  }
  Node* const properties = DocumentEditor::find(schema, "properties");
  Node* const type = DocumentEditor::find(*properties, "type");
  DocumentEditor::set(*type, "enum", std::move(types));
  schema.members.push_back(entry("required", list_node({text_node("type")})));
  schema.members.push_back(entry("allOf", std::move(rules)));
  return schema;
}

std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
    text.insert(at, "\\");
  }
  return text;
}

void append_rows(std::string& out, std::span<const FieldDoc> fields, const std::string& prefix) {
  for (const FieldDoc& field : fields) {
    const std::string name = prefix + field.name;
    const auto code = [](const std::string& text) {
      return text.empty() ? std::string() : "`" + text + "`";
    };
    out += "| `" + name + "` | " + field.type + " | " + code(cell(field.default_value)) + " | " +
           cell(field.allowed) + " | " + cell(field.help) + " |\n";
    append_rows(out, field.fields, name + (field.type.starts_with("list") ? "[]." : "."));
  }
}

void append_pretty(std::string& out, const Node& node, std::size_t indent) {
  const std::size_t count = node.is_mapping() ? node.members.size() : node.items.size();
  if (count == 0) {
    out += to_json(node);
    return;
  }
  const std::string line = "\n" + std::string(indent + 2, ' ');
  out += node.is_mapping() ? '{' : '[';
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    out += line;
    if (node.is_mapping()) {
      out += to_json(text_node(node.members[i].key)) + ": ";
      append_pretty(out, node.members[i].value, indent + 2);
    } else {
      append_pretty(out, node.items[i], indent + 2);
    }
  }
  out += "\n" + std::string(indent, ' ') + (node.is_mapping() ? '}' : ']');
}

}  // namespace

Node object_schema(std::span<const FieldDoc> fields) {
  Node properties = map_node();
  for (const FieldDoc& field : fields) {
    properties.members.push_back(entry(field.name, field_schema(field)));
  }
  return map_node({entry("type", text_node("object")), entry("properties", std::move(properties)),
                   entry("additionalProperties", flag_node(false))});
}

Node config_schema(std::span<const PluginDoc> plugins) {
  const std::vector<FieldDoc> fields = describe<EndpointPickerConfig>();
  Node schema =
      map_node({entry("$schema", text_node("https://json-schema.org/draft/2020-12/schema")),
                entry("title", text_node("EndpointPickerConfig"))});
  for (Member& member : object_schema(fields).members) {
    schema.members.push_back(std::move(member));
  }
  Node* const list = DocumentEditor::find(*DocumentEditor::find(schema, "properties"), "plugins");
  Node* const items = DocumentEditor::find(*list, "items");
  *items = plugin_schema(std::move(*items), plugins);
  return schema;
}

std::string field_table(std::span<const FieldDoc> fields) {
  if (fields.empty()) return "";
  std::string out =
      "| parameter | type | default | allowed | meaning |\n| --- | --- | --- | --- | --- |\n";
  append_rows(out, fields, "");
  return out;
}

std::string to_pretty_json(const Node& node) {
  std::string out;
  append_pretty(out, node, 0);
  return out + "\n";
}

}  // namespace pointsman
