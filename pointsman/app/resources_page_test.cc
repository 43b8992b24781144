// The example of docs/resources.md is what the page says it is.

#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/config/testing/wild_documents.h"
#include "pointsman/engine/request_rules.h"

namespace pointsman {
namespace {

TEST(ResourcesPage, ShowsAFileThatLoads) {
  std::istringstream page(
      testing::contents(testing::source_root("docs/architecture.md") / "docs/resources.md"));
  std::string example;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line == "```") inside = false;
    if (inside) example += line + "\n";
    if (line == "```yaml") inside = true;
  }
  const auto resources = read_resources(example);
  ASSERT_TRUE(resources.has_value()) << to_string(resources.error().front());
  EXPECT_TRUE(resources->warnings.empty());
  const RequestRules rules(*resources);
  EXPECT_EQ(rules.priority("batch"), -1);
  EXPECT_TRUE(rules.rewrite("food-review", 1)->model.starts_with("food-review-v"));
  EXPECT_EQ(rules.rewrite("", 1)->model, "general");
}

}  // namespace
}  // namespace pointsman
