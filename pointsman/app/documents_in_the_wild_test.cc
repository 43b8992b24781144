// What this build makes of every published configuration. The table of results is
// tests/golden/configurations.tsv; a document may rise in it, never fall:
//
//   POINTSMAN_GOLDEN=write build/release/pointsman_app_test --gtest_filter='WildConfig*'
//
// writes it anew after plugins have been added.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/app/builtin.h"
#include "pointsman/app/config_fix.h"
#include "pointsman/config/config_loader.h"
#include "pointsman/config/config_text.h"
#include "pointsman/config/testing/wild_documents.h"

namespace pointsman {
namespace {

using testing::WildDocument;

// From worst to best.
constexpr std::array<std::string_view, 4> kOutcomes{"refused", "not in this build yet",
                                                    "needs a flag", "starts"};

struct Row {
  std::string outcome;
  std::string detail;

  std::size_t rank() const {
    return static_cast<std::size_t>(std::ranges::find(kOutcomes, outcome) - kOutcomes.begin());
  }
};

std::string joined(const std::set<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// The type or gate in quotes before "is not in this build yet"; empty: something else is wrong.
std::string missing_part(const std::string& text) {
  constexpr std::string_view kYet = "' is not in this build yet";
  if (text.contains("this build has no vLLM render back end")) return "back end vllm";
  if (!text.contains(kYet)) return "";
  const std::size_t end = text.find(kYet);
  const std::size_t begin = text.rfind('\'', end - 1) + 1;
  return (text.contains("feature gate") ? "gate " : "type ") + text.substr(begin, end - begin);
}

bool about_stability(const Diagnostic& problem) {
  return problem.text.contains("has Alpha stability level");
}

Row judge(const WildDocument& document) {
  const bool experimental = document.flags.contains("--allow-experimental-plugins");
  const auto load = [&](bool allow) {
    Metrics metrics;
    const auto assembly = assemble(examine_config(document.text, builtin_load_options()),
                                   builtin_plugins(), metrics, builtin_options(allow));
    return assembly ? Diagnostics() : assembly.error();
  };
  const Diagnostics problems = load(experimental);
  if (problems.empty()) return {"starts", experimental ? "with the owner's flags" : ""};
  if (std::ranges::all_of(problems, about_stability)) {
    return {"needs a flag", load(true).empty() ? "starts with --allow-experimental-plugins"
                                               : problems.front().text};
  }
  std::set<std::string> missing;
  for (const Diagnostic& problem : problems) {
    std::string part = missing_part(problem.text);
    if (part.empty() && !about_stability(problem)) return {"refused", to_string(problem)};
    if (!part.empty()) missing.insert(std::move(part));
  }
  return {"not in this build yet", joined(missing)};
}

std::filesystem::path golden_file() {
  return testing::source_root("tests/golden") / "tests/golden/configurations.tsv";
}

std::map<std::string, Row> golden() {
  std::map<std::string, Row> rows;
  std::istringstream lines(testing::contents(golden_file()));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find('\t');
    const std::size_t second = line.find('\t', first + 1);
    if (second == std::string::npos || line.starts_with('#')) continue;
    rows[line.substr(0, first)] = {line.substr(first + 1, second - first - 1),
                                   line.substr(second + 1)};
  }
  return rows;
}

void write_golden(const std::map<std::string, Row>& rows) {
  std::map<std::string, int> count;
  for (const auto& [name, row] : rows) ++count[row.outcome];
  std::ofstream file(golden_file());
  file
      << "# What this build makes of the published configurations; documents_in_the_wild_test.cc\n";
  for (const std::string_view outcome : kOutcomes) {
    file << "# " << outcome << ": " << count[std::string(outcome)] << "\n";
  }
  for (const auto& [name, row] : rows) {
    file << name << '\t' << row.outcome << '\t' << row.detail << '\n';
  }
}

class WildConfig : public ::testing::Test {
 protected:
  void SetUp() override {
    if (documents_.empty()) {
      GTEST_SKIP() << "no ../shared/data/configs beside the sources, nor POINTSMAN_CONFIGS";
    }
  }
  std::vector<WildDocument> documents_ = testing::wild_documents();
};

TEST_F(WildConfig, NeverFallsBehindItsGoldenResult) {
  std::map<std::string, Row> rows;
  for (const WildDocument& document : documents_) rows[document.name] = judge(document);
  const char* const mode = std::getenv("POINTSMAN_GOLDEN");  // NOLINT(concurrency-mt-unsafe)
  if (mode != nullptr && std::string_view(mode) == "write") write_golden(rows);

  const auto before = golden();
  EXPECT_EQ(before.size(), rows.size());
  std::size_t starts = 0;
  for (const auto& [name, row] : rows) {
    starts += row.outcome == "starts" ? 1 : 0;
    const auto then = before.find(name);
    ASSERT_NE(then, before.end()) << name;
    EXPECT_GE(row.rank(), then->second.rank())
        << name << ": " << row.outcome << " " << row.detail << ", was " << then->second.outcome;
  }
  RecordProperty("starts", static_cast<int>(starts));
}

// What is wrong is said with its place.
TEST_F(WildConfig, SaysWhereEveryProblemIs) {
  for (const WildDocument& document : documents_) {
    Metrics metrics;
    const auto assembly = assemble(examine_config(document.text, builtin_load_options()),
                                   builtin_plugins(), metrics, builtin_options(false));
    if (assembly) continue;
    for (const Diagnostic& problem : assembly.error()) {
      EXPECT_GT(problem.line, 0) << document.name << ": " << to_string(problem);
      EXPECT_GT(problem.column, 0) << document.name << ": " << to_string(problem);
    }
  }
}

// A line of a comment survives unless it stands inside of what is taken away.
TEST_F(WildConfig, IsFixedInItsOwnText) {
  std::size_t fixed_ones = 0;
  for (const WildDocument& document : documents_) {
    const auto fixed = fix_config(document.text, builtin_load_options());
    EXPECT_TRUE(fixed) << document.name << ": " << fixed.error().message;
    if (!fixed) continue;
    if (fixed->changes.empty()) {
      EXPECT_EQ(fixed->text, document.text) << document.name;
      continue;
    }
    ++fixed_ones;
    EXPECT_NE(fixed->text, document.text) << document.name;
    const auto again = fix_config(fixed->text, builtin_load_options());
    ASSERT_TRUE(again) << document.name;
    EXPECT_EQ(again->text, fixed->text) << document.name;
    EXPECT_TRUE(again->changes.empty()) << document.name;
    EXPECT_EQ(fixed->text.substr(0, fixed->text.find('\n')),
              document.text.substr(0, document.text.find('\n')));
  }
  EXPECT_GT(fixed_ones, 15U);
}

// The new spelling means the same: what is read from the fixed text is what was read before.
TEST_F(WildConfig, MeansTheSameWhenFixed) {
  for (const WildDocument& document : documents_) {
    const auto fixed = fix_config(document.text, builtin_load_options());
    ASSERT_TRUE(fixed) << document.name;
    LoadOptions plain = builtin_load_options();
    plain.missing_gates.clear();
    const auto before = examine_config(document.text, plain);
    const auto after = examine_config(fixed->text, plain);
    ASSERT_EQ(before.loaded.has_value(), after.loaded.has_value()) << document.name;
    if (!before.loaded) continue;
    EXPECT_EQ(to_yaml(to_node(before.loaded->config)), to_yaml(to_node(after.loaded->config)))
        << document.name;
  }
}

}  // namespace
}  // namespace pointsman
