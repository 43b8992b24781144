#include "pointsman/telemetry/exposition.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/telemetry/families.h"
#include "pointsman/telemetry/metrics.h"

namespace pointsman {
namespace {

std::string number(double value) {
  std::string out;
  append_number(out, value);
  return out;
}

TEST(Exposition, PrintsNumbersInTheirShortestForm) {
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(-0.5), "-0.5");
  EXPECT_EQ(number(1), "1");
  EXPECT_EQ(number(0.005), "0.005");
  EXPECT_EQ(number(0.0001), "0.0001");
  EXPECT_EQ(number(0.00005), "5e-05");
  EXPECT_EQ(number(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(number(999999), "999999");
  EXPECT_EQ(number(1048576), "1.048576e+06");
  EXPECT_EQ(number(1e21), "1e+21");
  EXPECT_EQ(number(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(number(std::numeric_limits<double>::quiet_NaN()), "NaN");
}

constexpr auto kFruit =
    counter("fruit_total", "Fruit\\veg,\nby \"kind\".", labels("kind", "colour"))
        .deprecated("apples_total", labels("kind"));
constexpr std::array<double, 3> kFine{1, 2, 4};
constexpr std::array<double, 1> kCoarse{2};
constexpr auto kWeight =
    histogram("weight_grams", "Weight.", labels(), kFine).also("weight_fine_grams", kCoarse);
constexpr std::array<const FamilySpec*, 2> kFamilies{&kWeight, &kFruit};

TEST(Exposition, SortsEscapesAndAddsUpTheTwin) {
  const std::vector<Sample> samples{
      {.family = &kFruit, .labels = {"pear", "green"}, .value = 2},
      {.family = &kFruit, .labels = {"apple", "red"}, .value = 3},
      {.family = &kFruit, .labels = {"apple", "a\"b\\c\nd"}, .value = 4}};
  EXPECT_EQ(exposition(kFamilies, samples, true),
            "# HELP apples_total [Deprecated: Use fruit_total] Fruit\\\\veg,\\nby \"kind\".\n"
            "# TYPE apples_total counter\n"
            "apples_total{kind=\"apple\"} 7\n"
            "apples_total{kind=\"pear\"} 2\n"
            "# HELP fruit_total Fruit\\\\veg,\\nby \"kind\".\n"
            "# TYPE fruit_total counter\n"
            "fruit_total{colour=\"a\\\"b\\\\c\\nd\",kind=\"apple\"} 4\n"
            "fruit_total{colour=\"green\",kind=\"pear\"} 2\n"
            "fruit_total{colour=\"red\",kind=\"apple\"} 3\n");
  EXPECT_EQ(exposition(kFamilies, samples, false).find("apples_total"), std::string::npos);
}

TEST(Exposition, DoesNotCallEveryTwinDeprecated) {
  static constexpr auto kQuiet =
      counter("fruit_total", "Fruit.", labels()).deprecated("apples_total").silently();
  static constexpr std::array<const FamilySpec*, 1> kOne{&kQuiet};
  const std::vector<Sample> samples{{.family = &kQuiet, .value = 2}};
  EXPECT_TRUE(exposition(kOne, samples, true).contains("# HELP apples_total Fruit.\n"));
  for (const FamilySpec* family : std::to_array<const FamilySpec*>(
           {&metric::kBuild, &metric::kModelRewrites, &metric::kEndpointQueue})) {
    EXPECT_FALSE(family->twin.told) << family->name;  // spec/07 section 1
  }
  EXPECT_TRUE(metric::kRequestTotal.twin.told);
}

TEST(Exposition, PrintsAHistogramWithSomeAndWithAllOfItsBounds) {
  const std::vector<Sample> samples{{.family = &kWeight, .value = 12.5, .buckets = {1, 2, 3, 4}}};
  EXPECT_EQ(exposition(kFamilies, samples, true),
            "# HELP weight_fine_grams Weight. Finer buckets.\n"
            "# TYPE weight_fine_grams histogram\n"
            "weight_fine_grams_bucket{le=\"1\"} 1\n"
            "weight_fine_grams_bucket{le=\"2\"} 3\n"
            "weight_fine_grams_bucket{le=\"4\"} 6\n"
            "weight_fine_grams_bucket{le=\"+Inf\"} 10\n"
            "weight_fine_grams_sum 12.5\n"
            "weight_fine_grams_count 10\n"
            "# HELP weight_grams Weight.\n"
            "# TYPE weight_grams histogram\n"
            "weight_grams_bucket{le=\"2\"} 3\n"
            "weight_grams_bucket{le=\"+Inf\"} 10\n"
            "weight_grams_sum 12.5\n"
            "weight_grams_count 10\n");
}

TEST(Exposition, CoarseBoundsOfTheTableAreAmongTheFineOnes) {
  for (const FamilySpec* family : metric::kAll) {
    EXPECT_TRUE(std::ranges::is_sorted(family->bounds, std::ranges::less_equal())) << family->name;
    EXPECT_TRUE(std::ranges::includes(family->bounds, family->shown_bounds)) << family->name;
  }
}

// A file of tests/golden, found from the place of this binary, which is below the repository root.
std::filesystem::path golden_file(std::string_view name) {
  auto at = std::filesystem::read_symlink("/proc/self/exe");
  while (at != at.root_path() && !std::filesystem::exists(at / "tests/golden"))
    at = at.parent_path();
  return at / "tests/golden" / name;
}

// tests/golden/metrics.txt is the interface: a change there is a change for every dashboard.
// POINTSMAN_GOLDEN=write writes it anew.
TEST(Exposition, FamiliesAreThoseOfTheGoldenFile) {
  const std::filesystem::path path = golden_file("metrics.txt");
  const char* const mode = std::getenv("POINTSMAN_GOLDEN");  // NOLINT(concurrency-mt-unsafe)
  if (mode != nullptr && std::string_view(mode) == "write") {
    std::ofstream(path) << catalogue(metric::kAll);
  }
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), catalogue(metric::kAll));
}

}  // namespace
}  // namespace pointsman
