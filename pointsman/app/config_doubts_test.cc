// Warnings of what is legal but surely not meant, and of everything else that a document says at
// once.

#include "pointsman/engine/config_doubts.h"

#include <algorithm>
#include <expected>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "pointsman/app/builtin.h"

namespace pointsman {
namespace {

std::expected<Assembly, Diagnostics> load(std::string_view text, const Assembly* before = nullptr) {
  static Metrics metrics;
  LoadOptions reading = builtin_load_options();
  reading.missing_gates.clear();
  AssemblyOptions options = builtin_options(true);
  options.before = before;
  return assemble(examine_config(text, reading), builtin_plugins(), metrics, options);
}

// The warnings, one a line.
std::string warnings(std::string_view text) {
  const auto assembly = load(text);
  if (!assembly) return "error: " + to_string(assembly.error().front());
  std::string out;
  for (const Diagnostic& warning : assembly->warnings) out += to_string(warning) + "\n";
  return out;
}

TEST(ConfigDoubts, AreSilentAboutTheDefault) {
  EXPECT_EQ(warnings(""), "");
}

TEST(ConfigDoubts, TellOfAScorerThatReadsAnInjectedProducerBesideAConfiguredOne) {
  constexpr std::string_view kText =
      "plugins:\n- {type: prefix-cache-scorer}\n"
      "- {type: approx-prefix-cache-producer, name: mine}\n";
  const std::string told = warnings(kText);
  EXPECT_TRUE(
      told.contains("line 2, column 3: plugin 'prefix-cache-scorer' reads the injected "
                    "producer 'approx-prefix-cache-producer' although 'mine' is configured"))
      << told;
  EXPECT_TRUE(told.contains("prefixMatchInfoProducerName: mine"));
  EXPECT_EQ(warnings("plugins:\n- {type: prefix-cache-scorer, parameters: "
                     "{prefixMatchInfoProducerName: mine}}\n"
                     "- {type: approx-prefix-cache-producer, name: mine}\n"),
            "");
}

TEST(ConfigDoubts, TellOfWeightsWithoutASay) {
  const auto profile = [](std::string_view queue, std::string_view prefix) {
    return warnings(
        "plugins: [{type: queue-scorer}, {type: prefix-cache-scorer}]\n"
        "schedulingProfiles: [{name: p, plugins: [{pluginRef: queue-scorer, weight: " +
        std::string(queue) + "}, {pluginRef: prefix-cache-scorer, weight: " + std::string(prefix) +
        "}]}]\n");
  };
  EXPECT_EQ(profile("1", "100"), "");
  EXPECT_TRUE(profile("1", "1000").contains("'queue-scorer' has 0.1 % of the weights"));
  EXPECT_TRUE(profile("0", "1").contains("'queue-scorer' has 0 % of the weights"));
  EXPECT_TRUE(profile("-1", "1").contains("'queue-scorer' has a negative weight"));
  EXPECT_TRUE(warnings("plugins: [{type: max-score-picker}]\nschedulingProfiles: [{name: p, "
                       "plugins: [{pluginRef: max-score-picker, weight: 3}]}]\n")
                  .contains("is no scorer: its weight has no effect"));
}

TEST(ConfigDoubts, TellOfABandThatHidesAGlobalLimit) {
  const auto flow = [](std::string_view body) {
    return warnings("featureGates: [flowControl]\nflowControl:\n" + std::string(body));
  };
  EXPECT_TRUE(flow("  maxRequests: 10000\n")
                  .contains("flowControl.maxRequests 10000 is never reached: "
                            "flowControl.defaultPriorityBand holds 5000 by default"));
  EXPECT_TRUE(flow("  maxBytes: 10Gi\n").contains("holds 1000000000 by default"));
  EXPECT_TRUE(flow("  maxRequests: 10000\n  priorityBands:\n  - {priority: 1}\n")
                  .contains("line 5, column 5: flowControl.maxRequests 10000 is never reached: "
                            "flowControl.priorityBands[0] holds 5000 by default"));
  EXPECT_EQ(flow("  maxRequests: 5000\n"), "");
  EXPECT_EQ(flow("  maxRequests: 1k\n  priorityBands:\n"
                 "  - {priority: 1, maxRequests: 500}\n  - {priority: 2, maxRequests: 500}\n"),
            "");
  EXPECT_FALSE(warnings("flowControl: {maxRequests: 10000}\n").contains("never reached"));
}

TEST(Loading, ReportsTheProblemsOfBothPhasesAtOnce) {
  const auto assembly = load(
      "featureGates: [nonsense]\n"
      "plugins:\n"
      "- type: queue-scorr\n"
      "  extra: 1\n"
      "- type: approx-prefix-cache-producer\n"
      "  parameters: {blockSizeTokns: 1, lruCapacityPerServer: many}\n"
      "- type: ${EPP_PARSER}\n"
      "schedulingProfiles:\n"
      "- name: p\n"
      "  plugins:\n"
      "  - pluginRef: queue-scorr\n"
      "  - pluginRef: ghost\n");
  ASSERT_FALSE(assembly);
  const Diagnostics& all = assembly.error();
  std::string told;
  for (const Diagnostic& problem : all) told += to_string(problem) + "\n";
  EXPECT_TRUE(all.front().text.starts_with(
      "failed to parse config - failed to decode configuration JSON/YAML: strict decoding error: "
      "unknown field \"plugins[0].extra\""))
      << told;
  EXPECT_TRUE(told.contains("line 1, column 16: feature gate 'nonsense'")) << told;
  EXPECT_TRUE(
      told.contains("line 3, column 3: plugin type 'queue-scorr' is not registered (did "
                    "you mean \"queue-scorer\""))
      << told;
  EXPECT_TRUE(told.contains("line 6, column 16: failed to create plugin")) << told;
  EXPECT_TRUE(told.contains("unknown field \"blockSizeTokns\" (did you mean \"blockSizeTokens\""))
      << told;
  EXPECT_TRUE(told.contains("lruCapacityPerServer of type int")) << told;
  EXPECT_TRUE(told.contains("'${EPP_PARSER}' is not registered (this looks like a variable"));
  EXPECT_TRUE(
      told.contains("line 12, column 5: scheduling profile validation failed: "
                    "schedulingProfiles[p] references undefined plugin 'ghost'"))
      << told;
  EXPECT_FALSE(told.contains("undefined plugin 'queue-scorr'"));  // said once is enough
  EXPECT_EQ(all.size(), 7U) << told;
}

constexpr std::string_view kReloaded =
    "plugins: [{type: prefix-cache-scorer}, {type: approx-prefix-cache-producer, parameters: "
    "{blockSizeTokens: 16}}]\n";

TEST(Reloading, KeepsPluginsThatHaveNotChanged) {
  const auto first = load(kReloaded);
  ASSERT_TRUE(first) << to_string(first.error().front());
  const auto second = load(
      "plugins: [{type: approx-prefix-cache-producer, parameters: {blockSizeTokens: 16}}, "
      "{type: prefix-cache-scorer}, {type: queue-scorer}]\n",
      &*first);
  ASSERT_TRUE(second) << to_string(second.error().front());
  const auto producer = [](const Assembly& assembly) {
    return assembly.plugins->find("approx-prefix-cache-producer")->producer;
  };
  EXPECT_EQ(producer(*first), producer(*second));
  // The token producer was injected both times.
  EXPECT_EQ(first->plugins->find("token-producer")->producer,
            second->plugins->find("token-producer")->producer);
  EXPECT_NE(first->plugins->find("single-profile-handler")->handler,
            second->plugins->find("single-profile-handler")->handler);
  // Places of signals hold on: what the kept plugins write is where new ones read.
  EXPECT_GE(second->plugins->signals().size(), first->plugins->signals().size());
}

TEST(Reloading, BuildsPluginsAnewWhoseParametersHaveChanged) {
  const auto first = load(kReloaded);
  ASSERT_TRUE(first);
  const auto second = load(
      "plugins: [{type: prefix-cache-scorer}, {type: approx-prefix-cache-producer, parameters: "
      "{blockSizeTokens: 32}}]\n",
      &*first);
  ASSERT_TRUE(second);
  EXPECT_NE(first->plugins->find("approx-prefix-cache-producer")->producer,
            second->plugins->find("approx-prefix-cache-producer")->producer);
  EXPECT_EQ(first->plugins->find("token-producer")->producer,
            second->plugins->find("token-producer")->producer);
}

}  // namespace
}  // namespace pointsman
