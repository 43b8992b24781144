// What every published configuration has in common: it is YAML that we read and write alike.
// What becomes of each is tested where the plugins are known, in app/.
#include <string>

#include <gtest/gtest.h>

#include "pointsman/config/config_loader.h"
#include "pointsman/config/config_text.h"
#include "pointsman/config/testing/wild_documents.h"
#include "pointsman/config/yaml.h"

namespace pointsman {
namespace {

using testing::WildDocument;

class DocumentsInTheWild : public ::testing::Test {
 protected:
  void SetUp() override {
    if (documents_.empty()) GTEST_SKIP() << "no ../shared/data/configs beside the sources";
  }
  std::vector<WildDocument> documents_ = testing::wild_documents();
};

TEST_F(DocumentsInTheWild, AreAllYaml) {
  EXPECT_EQ(documents_.size(), 88U);
  for (const WildDocument& each : documents_) {
    const auto document = read_yaml(each.text);
    ASSERT_TRUE(document.has_value()) << each.name << ": " << document.error().text;
    EXPECT_TRUE(document->root.is_mapping()) << each.name;
    // What we write, we read back.
    const auto again = read_yaml(to_yaml(document->root));
    ASSERT_TRUE(again.has_value()) << each.name << ": " << again.error().text;
    EXPECT_EQ(to_json(again->root), to_json(document->root)) << each.name;
  }
}

TEST_F(DocumentsInTheWild, DecodeWhereTheReferenceStartsWithThem) {
  LoadOptions options;
  options.missing_gates.clear();
  int decoded = 0;
  for (const WildDocument& each : documents_) {
    if (each.mark != "starts" && each.mark != "alpha") continue;
    const auto loaded = load_config(each.text, options);
    EXPECT_TRUE(loaded.has_value()) << each.name << ": " << loaded.error().front().text;
    ++decoded;
  }
  EXPECT_GT(decoded, 40);
}

}  // namespace
}  // namespace pointsman
