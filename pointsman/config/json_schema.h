#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/config/node.h"
#include "pointsman/config/params_reader.h"

namespace pointsman {

// One plugin type as a schema and a reference page show it.
struct PluginDoc {
  std::string type;
  std::string help;
  std::string note;  // stability, deprecation; may be empty
  std::vector<FieldDoc> parameters;
  bool ignores_parameters = false;  // anything may be written
};

// The JSON schema (draft 2020-12) of a configuration document with these plugins. Every plugin's
// parameters come from the table that its parser uses.
Node config_schema(std::span<const PluginDoc> plugins);

// The schema of one object, such as the parameters of a plugin.
Node object_schema(std::span<const FieldDoc> fields);

// A Markdown table of fields: name, type, default, bounds, help; fields of objects follow theirs as
// `outer.inner`. Empty when there are none.
std::string field_table(std::span<const FieldDoc> fields);

// JSON in lines, two spaces a level, keys in the order of the node.
std::string to_pretty_json(const Node& node);

}  // namespace pointsman
