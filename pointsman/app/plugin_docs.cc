#include "pointsman/app/plugin_docs.h"

#include <utility>

#include "pointsman/app/builtin.h"

namespace pointsman {
namespace {

std::string note_of(const Registration& line) {
  std::string note(text(line.stability));
  if (line.stability == Stability::alpha) note += ", needs `--allow-experimental-plugins`";
  if (line.deprecated) {
    note += "; deprecated since " + std::string(line.deprecated->since) + ": use `" +
            std::string(line.deprecated->replacement) + "`";
  }
  return note;
}

}  // namespace

std::vector<PluginDoc> plugin_docs(const Registry& registry) {
  std::vector<PluginDoc> docs;
  for (const Registration* line : registry.all()) {
    PluginDoc doc{.type = std::string(line->type),
                  .help = std::string(line->help),
                  .note = note_of(*line),
                  .parameters = {},
                  .ignores_parameters = line->parameters == nullptr};
    if (line->parameters != nullptr) doc.parameters = line->parameters();
    docs.push_back(std::move(doc));
  }
  return docs;
}

std::string plugin_schema_text() {
  const std::vector<PluginDoc> docs = plugin_docs(builtin_plugins());
  return to_pretty_json(config_schema(docs));
}

std::string plugin_reference_text() {
  std::string out =
      "# Plugins\n\n"
      "Every type that a configuration can name, with its parameters. This page is printed by\n"
      "`pointsman check --reference`; the same tables read the parameters and make the JSON "
      "schema\n"
      "(`pointsman check --schema`). A test fails when it is out of date.\n";
  for (const PluginDoc& doc : plugin_docs(builtin_plugins())) {
    out += "\n## " + doc.type + "\n\n" + doc.help + " (" + doc.note + ")\n\n";
    const std::string table = field_table(doc.parameters);
    out += table.empty() ? "No parameters; whatever is written is ignored.\n" : table;
  }
  return out;
}

}  // namespace pointsman
