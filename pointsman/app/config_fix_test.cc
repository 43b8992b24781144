#include "pointsman/app/config_fix.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <unistd.h>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOld = R"(# for the blue pool
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
featureGates:
- prepareDataPlugins   # since 0.7
plugins:
  # how full
  - type: kv-cache-scorer   # 0 to 1
  - type: prefix-cache-scorer
    parameters:
      # in characters
      hashBlockSize: 64
      lruCapacityPerServer: 31250
  - type: "max-score-picker"

schedulingProfiles:
- {name: default, plugins: [{pluginRef: kv-cache-scorer, weight: 2.0}, {pluginRef: prefix-cache-scorer}]}
)";

constexpr std::string_view kNew = R"(# for the blue pool
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
  # how full
  - type: kv-cache-utilization-scorer   # 0 to 1
  - type: prefix-cache-scorer
  - type: "max-score-picker"
  - type: approx-prefix-cache-producer
    parameters:
      blockSizeTokens: 16
      lruCapacityPerServer: 31250

schedulingProfiles:
- {name: default, plugins: [{pluginRef: kv-cache-utilization-scorer, weight: 2.0}, {pluginRef: prefix-cache-scorer}]}
)";

TEST(ConfigFix, ChangesWhatIsOldAndNothingElse) {
  const ConfigFix fix = fix_configuration(kOld, false);
  EXPECT_EQ(fix.text, kNew);
  EXPECT_TRUE(fix.problems.empty()) << to_string(fix.problems.front());
  EXPECT_EQ(fix.changes.size(), 3U);
  EXPECT_TRUE(fix.difference.contains("-- prepareDataPlugins   # since 0.7\n"));
  EXPECT_TRUE(fix.difference.contains("+      blockSizeTokens: 16\n"));
}

TEST(ConfigFix, LeavesACurrentDocumentAlone) {
  const ConfigFix fix = fix_configuration(kNew, false);
  EXPECT_EQ(fix.text, kNew);
  EXPECT_TRUE(fix.difference.empty());
  EXPECT_TRUE(fix.problems.empty());
}

TEST(ConfigFix, SaysWhatKeepsTheResultFromLoading) {
  const ConfigFix fix = fix_configuration(
      "plugins: [{type: kv-cache-scorer}, {type: low-queue-filter}, {type: queue-scorr}]\n", false);
  EXPECT_TRUE(fix.text.contains("kv-cache-utilization-scorer"));
  ASSERT_EQ(fix.problems.size(), 2U);
  EXPECT_TRUE(fix.problems[0].hint.contains("instead of a tree of filters"));
  EXPECT_TRUE(fix.problems[1].hint.contains("queue-scorer"));
}

TEST(ConfigFix, NamesTheNewFileAfterTheOld) {
  EXPECT_EQ(fixed_name("/etc/epp/config.yaml"), "/etc/epp/config.fixed.yaml");
  EXPECT_EQ(fixed_name("config"), "config.fixed");
  EXPECT_EQ(fixed_name(""), "-");
}

class WriteFile : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  static std::string read(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  fs::path folder_ =
      fs::temp_directory_path() / ("pointsman_write_file_" + std::to_string(getpid()));
};

TEST_F(WriteFile, KeepsAFileThatItMayNotOverwrite) {
  const std::string path = folder_ / "a.yaml";
  ASSERT_TRUE(write_file(path, "1", false));
  EXPECT_FALSE(write_file(path, "2", false));
  EXPECT_EQ(read(path), "1");
  ASSERT_TRUE(write_file(path, "2", true));
  EXPECT_EQ(read(path), "2");
}

TEST_F(WriteFile, KeepsModeAndLink) {
  const fs::path path = folder_ / "a.yaml";
  const fs::path link = folder_ / "link.yaml";
  ASSERT_TRUE(write_file(path, "1", false));
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink(path, link);
  ASSERT_TRUE(write_file(link, "2", true));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(read(path), "2");
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(WriteFile, NamesWhatItCannotWrite) {
  const auto written = write_file(folder_ / "none" / "a.yaml", "1", true);
  ASSERT_FALSE(written);
  EXPECT_TRUE(written.error().message.contains("none/a.yaml"));
}

}  // namespace
}  // namespace pointsman
