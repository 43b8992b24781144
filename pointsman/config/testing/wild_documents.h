#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace pointsman::testing {

// Configurations that people have published, in a folder beside the project that not every machine
// has: ../shared/data/configs of the checkout, or what POINTSMAN_CONFIGS says. index.tsv tells what
// the reference does with each.
struct WildDocument {
  std::string name;
  std::string text;
  std::string flags;  // that its owner passes
  std::string mark;   // starts, old, new, alpha, foreign or broken
};

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The root of the sources, above the running binary; a file below it must exist.
inline std::filesystem::path source_root(const std::filesystem::path& with) {
  namespace fs = std::filesystem;
  for (fs::path up = fs::read_symlink("/proc/self/exe"); up.has_relative_path();
       up = up.parent_path()) {
    if (fs::exists(up.parent_path() / with)) return up.parent_path();
  }
  return {};
}

// All of them by name; none when the folder is absent.
inline std::vector<WildDocument> wild_documents() {
  namespace fs = std::filesystem;
  const fs::path below = "shared/data/configs";
  const char* const told = std::getenv("POINTSMAN_CONFIGS");  // NOLINT(concurrency-mt-unsafe)
  const fs::path root = source_root(below);
  const fs::path folder = told != nullptr ? fs::path(told) : root.empty() ? root : root / below;
  std::vector<WildDocument> all;
  if (folder.empty() || !fs::is_directory(folder)) return all;
  std::istringstream lines(contents(folder / "index.tsv"));
  for (std::string line; std::getline(lines, line);) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, '\t');) cells.push_back(cell);
    if (cells.size() < 7 || !fs::exists(folder / (cells[0] + ".yaml"))) continue;
    all.push_back({cells[0], contents(folder / (cells[0] + ".yaml")), cells[5], cells[6]});
  }
  std::ranges::sort(all, {}, &WildDocument::name);
  return all;
}

}  // namespace pointsman::testing
