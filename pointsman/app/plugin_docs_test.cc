#include "pointsman/app/plugin_docs.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "pointsman/app/builtin.h"
#include "pointsman/config/testing/wild_documents.h"
#include "pointsman/config/yaml.h"

namespace pointsman {
namespace {

// docs/plugins.md is printed from the tables that read the parameters. After a change:
//
//   build/release/pointsman check --reference > docs/plugins.md
TEST(PluginDocs, TheReferencePageIsCurrent) {
  const auto path = testing::source_root("docs/architecture.md") / "docs/plugins.md";
  EXPECT_EQ(testing::contents(path), plugin_reference_text())
      << "run: build/release/pointsman check --reference > docs/plugins.md";
}

void expect_documented(const std::vector<FieldDoc>& fields, const std::string& where) {
  for (const FieldDoc& field : fields) {
    EXPECT_FALSE(field.help.empty()) << where << "." << field.name;
    EXPECT_FALSE(field.type.empty()) << where << "." << field.name;
    expect_documented(field.fields, where + "." + field.name);
  }
}

TEST(PluginDocs, EveryParameterIsDocumented) {
  for (const PluginDoc& doc : plugin_docs(builtin_plugins())) {
    EXPECT_FALSE(doc.help.empty()) << doc.type;
    expect_documented(doc.parameters, doc.type);
  }
}

TEST(PluginDocs, TheSchemaIsJsonThatKnowsEveryPlugin) {
  const auto schema = read_yaml(plugin_schema_text(), {.bytes = 8U << 20U, .nodes = 1'000'000});
  ASSERT_TRUE(schema) << schema.error().text;
  const Node* const plugins = schema->root.find("properties")->find("plugins");
  ASSERT_NE(plugins, nullptr);
  const Node* const types = plugins->find("items")->find("properties")->find("type")->find("enum");
  ASSERT_NE(types, nullptr);
  EXPECT_EQ(types->items.size(), builtin_plugins().all().size());
  EXPECT_EQ(plugins->find("items")->find("allOf")->items.size(), types->items.size());
}

TEST(PluginDocs, TheSchemaHasBoundsAndChoices) {
  const std::string text = plugin_schema_text();
  EXPECT_TRUE(text.contains(R"("minimum":)"));
  EXPECT_TRUE(text.contains(R"("additionalProperties": false)"));
}

}  // namespace
}  // namespace pointsman
