#include "pointsman/app/resource_file.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/app/reload_metric.h"
#include "pointsman/base/testing/temporary_folder.h"
#include "pointsman/telemetry/testing/metric_value.h"

namespace pointsman {
namespace {

std::string objective(int priority, const std::string& pool = "p", const std::string& ns = "team") {
  return "apiVersion: llm-d.ai/v1alpha2\nkind: InferenceObjective\nmetadata: {name: low, "
         "namespace: " +
         ns + "}\nspec: {poolRef: {name: " + pool + "}, priority: " + std::to_string(priority) +
         "}\n";
}

class ResourceFileTest : public ::testing::Test {
 protected:
  void write(const std::string& text) { folder_.write("resources.yaml", text); }
  void make(const std::string& pool = "", const std::string& ns = "") {
    file_.emplace(ResourceFile::Options{.path = path_, .pool = pool, .ns = ns}, metrics_,
                  metrics_.add_shard(), loop_, Logger(log_, "resources"));
  }
  int priority() { return Published<RequestRules>::Reader(file_->rules()).get()->priority("low"); }
  std::optional<double> count(const std::string& result) {
    return metric_value(metrics_.expose(),
                        "pointsman_resources_reloads_total{result=\"" + result + "\"}");
  }

  testing::TemporaryFolder folder_;
  std::string path_ = folder_.path("resources.yaml");
  Log log_{2, -10};
  Metrics metrics_{router_families()};
  Loop loop_;
  std::optional<ResourceFile> file_;
};

TEST_F(ResourceFileTest, IsReadAtTheStart) {
  make();
  EXPECT_FALSE(file_->load());  // there is none
  write("kind: Pod\n");
  EXPECT_FALSE(file_->load());
  write(objective(-5));
  EXPECT_TRUE(file_->load());
  EXPECT_EQ(priority(), -5);
  EXPECT_EQ(metric_value(metrics_.expose(), R"(pointsman_resources{kind="InferenceObjective"})"),
            1);
}

TEST_F(ResourceFileTest, KeepsWhatItHasWhenTheFileGoesWrong) {
  write(objective(-5));
  make();
  ASSERT_TRUE(file_->load());
  write("kind: Pod\n");
  file_->reload();
  EXPECT_EQ(priority(), -5);
  EXPECT_EQ(count("refused"), 1);
  folder_.remove("resources.yaml");
  file_->reload();
  EXPECT_EQ(priority(), -5);
  EXPECT_EQ(count("refused"), 2);
  write(objective(-5));
  file_->reload();
  EXPECT_EQ(count("unchanged"), 1);
  write(objective(6));
  file_->reload();
  EXPECT_EQ(priority(), 6);
  EXPECT_EQ(count("applied"), 1);
}

TEST_F(ResourceFileTest, PassesOverWhatBelongsToOtherPools) {
  make("p", "team");
  write(objective(1, "q"));
  EXPECT_TRUE(file_->load());
  EXPECT_EQ(priority(), 0);
  write(objective(2, "p", "other"));
  EXPECT_TRUE(file_->load());
  EXPECT_EQ(priority(), 0);
  write(objective(3, "p", "team"));
  EXPECT_TRUE(file_->load());
  EXPECT_EQ(priority(), 3);
}

}  // namespace
}  // namespace pointsman
