// Every input that a fuzz target ever stumbled over, and the seeds, through the targets again.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

struct FuzzTarget {
  const char* name;
  int (*run)(const std::uint8_t*, std::size_t);
};

}  // namespace

#include "fuzz_targets.inc"

namespace {

namespace fs = std::filesystem;

class FuzzCorpus : public ::testing::TestWithParam<FuzzTarget> {};

TEST_P(FuzzCorpus, IsReplayedWithoutFindings) {
  const FuzzTarget& target = GetParam();
  const fs::path folder = fs::path(POINTSMAN_CORPUS) / target.name;
  ASSERT_TRUE(fs::is_directory(folder)) << "a fuzz target without seeds: " << folder;
  int inputs = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    // Exactly as long as the input, so that reading beyond it is seen by AddressSanitizer.
    const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
    EXPECT_EQ(target.run(exact.data(), exact.size()), 0);
    ++inputs;
  }
  EXPECT_GT(inputs, 0);
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzCorpus, ::testing::ValuesIn(fuzz_targets()),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(FuzzCorpusFolders, BelongToTargets) {
  std::set<std::string> names;
  for (const FuzzTarget& target : fuzz_targets()) names.insert(target.name);
  for (const auto& entry : fs::directory_iterator(POINTSMAN_CORPUS)) {
    EXPECT_TRUE(names.contains(entry.path().filename().string())) << entry.path();
  }
}

}  // namespace
