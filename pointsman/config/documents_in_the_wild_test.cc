// Configurations that people have published, in a folder beside the project that not every
// machine has; index.tsv says what the reference does with each.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/config/config_loader.h"
#include "pointsman/config/config_text.h"
#include "pointsman/config/yaml.h"

namespace pointsman {
namespace {

namespace fs = std::filesystem;

// ../shared/data/configs beside the root of the sources: found by walking up from this binary.
fs::path folder() {
  for (fs::path up = fs::read_symlink("/proc/self/exe"); up.has_relative_path();
       up = up.parent_path()) {
    const fs::path found = up.parent_path() / "shared" / "data" / "configs";
    if (fs::is_directory(found)) return found;
  }
  return {};
}

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<fs::path> documents(const fs::path& from) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(from)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

// The mark of every document: starts, old, new, alpha, foreign or broken.
std::map<std::string, std::string> marks(const fs::path& from) {
  std::map<std::string, std::string> out;
  std::istringstream lines(contents(from / "index.tsv"));
  for (std::string line; std::getline(lines, line);) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, '\t');) cells.push_back(cell);
    if (cells.size() > 6) out[cells[0]] = cells[6];
  }
  return out;
}

class DocumentsInTheWild : public testing::Test {
 protected:
  void SetUp() override {
    if (from_.empty()) GTEST_SKIP() << "no ../shared/data/configs beside the sources";
  }
  fs::path from_ = folder();
};

TEST_F(DocumentsInTheWild, AreAllYaml) {
  const auto paths = documents(from_);
  EXPECT_EQ(paths.size(), 88U);
  for (const fs::path& path : paths) {
    const auto document = read_yaml(contents(path));
    ASSERT_TRUE(document.has_value()) << path << ": " << document.error().text;
    EXPECT_TRUE(document->root.is_mapping()) << path;
    // What we write, we read back.
    const auto again = read_yaml(to_yaml(document->root));
    ASSERT_TRUE(again.has_value()) << path << ": " << again.error().text;
    EXPECT_EQ(to_json(again->root), to_json(document->root)) << path;
  }
}

TEST_F(DocumentsInTheWild, DecodeWhereTheReferenceStartsWithThem) {
  LoadOptions options;
  options.missing_gates.clear();
  const auto mark = marks(from_);
  int decoded = 0;
  for (const fs::path& path : documents(from_)) {
    const auto found = mark.find(path.stem().string());
    ASSERT_NE(found, mark.end()) << path;
    if (found->second != "starts" && found->second != "alpha") continue;
    const auto loaded = load_config(contents(path), options);
    EXPECT_TRUE(loaded.has_value()) << path << ": " << loaded.error().front().text;
    ++decoded;
  }
  EXPECT_GT(decoded, 40);
}

}  // namespace
}  // namespace pointsman
