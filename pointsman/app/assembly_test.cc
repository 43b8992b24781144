// What a configuration adds up to with the plugins of this binary, and what it is refused with:
// rows of spec/02 sections 3.2, 4, 6.4 and 19, texts to the letter.

#include "pointsman/engine/assembly.h"

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/app/builtin.h"
#include "pointsman/config/config_loader.h"

namespace pointsman {
namespace {

struct Loaded {
  Metrics metrics;
  std::expected<Assembly, Diagnostics> result = std::unexpected(Diagnostics{});

  std::string error() const { return result ? "(it loaded)" : result.error().front().text; }
  std::vector<std::string> plugins() const {
    std::vector<std::string> names;
    for (const auto& instance : result->plugins->all()) names.push_back(instance->name.name);
    return names;
  }
  std::vector<std::string> profile(std::size_t i) const {
    std::vector<std::string> entries;
    for (const SchedulingPlugin& p : result->config.scheduling_profiles.at(i).plugins) {
      entries.push_back(p.plugin_ref +
                        (p.weight ? "*" + std::to_string(static_cast<int>(*p.weight)) : ""));
    }
    return entries;
  }
};

std::unique_ptr<Loaded> load(std::string_view body, bool experimental = false) {
  auto out = std::make_unique<Loaded>();
  const std::string text =
      body.empty()
          ? ""
          : "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\n" + std::string(body);
  auto loaded = load_config(text);
  if (!loaded) {
    out->result = std::unexpected(loaded.error());
    return out;
  }
  out->result =
      assemble(*std::move(loaded), builtin_plugins(), out->metrics, builtin_options(experimental));
  return out;
}

using Names = std::vector<std::string>;
constexpr std::string_view kFailed = "failed to load the configuration - ";

std::string failed(std::string_view rest) {
  return std::string(kFailed) + std::string(rest);
}

TEST(Assembly, BuildsTheDefaultConfigurationWithEverythingInjected) {
  const auto loaded = load("");
  ASSERT_TRUE(loaded->result) << loaded->error();
  EXPECT_EQ(loaded->plugins(),
            (Names{"queue-scorer", "kv-cache-utilization-scorer", "prefix-cache-scorer",
                   "metrics-data-source", "core-metrics-extractor", "single-profile-handler",
                   "max-score-picker", "fcfs-ordering-policy", "global-strict-fairness-policy",
                   "static-usage-limit-policy", "openai-parser", "anthropic-parser",
                   "vllmhttp-parser", "passthrough-parser", "utilization-detector",
                   "approx-prefix-cache-producer", "token-producer"}));
  EXPECT_EQ(loaded->profile(0), (Names{"queue-scorer*2", "kv-cache-utilization-scorer*2",
                                       "prefix-cache-scorer*3", "max-score-picker"}));
  ASSERT_EQ(loaded->result->producers.size(), 2U);
  EXPECT_EQ(loaded->result->producers[0]->name.name, "token-producer");
  EXPECT_EQ(loaded->result->producers[1]->name.name, "approx-prefix-cache-producer");
  ASSERT_EQ(loaded->result->sources.size(), 1U);
  EXPECT_EQ(loaded->result->sources[0].extractors.size(), 1U);
  EXPECT_TRUE(loaded->result->warnings.empty());
}

TEST(Assembly, PutsListedFiltersScorersAndPickersIntoAnAutomaticProfileInOrder) {
  const auto loaded = load(
      "plugins: [{type: random-picker}, {type: queue-scorer}, "
      "{type: label-selector-filter}, {type: openai-parser}]\n");
  ASSERT_TRUE(loaded->result) << loaded->error();
  EXPECT_EQ(loaded->profile(0),
            (Names{"random-picker", "queue-scorer*1", "label-selector-filter"}));
}

TEST(Assembly, PrefersAListedMaxScorePickerThenTheFirstPicker) {
  const auto best = load(
      "plugins: [{type: random-picker}, {type: max-score-picker}, "
      "{type: queue-scorer}]\n"
      "schedulingProfiles: [{name: p, plugins: [{pluginRef: queue-scorer}]}]\n");
  ASSERT_TRUE(best->result) << best->error();
  EXPECT_EQ(best->profile(0), (Names{"queue-scorer*1", "max-score-picker"}));
  const auto first = load(
      "plugins: [{type: weighted-random-picker}, {type: random-picker}, "
      "{type: queue-scorer}]\n"
      "schedulingProfiles: [{name: p, plugins: [{pluginRef: queue-scorer}]}]\n");
  ASSERT_TRUE(first->result) << first->error();
  EXPECT_EQ(first->profile(0), (Names{"queue-scorer*1", "weighted-random-picker"}));
}

TEST(Assembly, KeepsTheOrderOfAPickerBeforeAScorer) {
  const auto loaded = load(
      "plugins: [{type: max-score-picker}, {type: queue-scorer}]\n"
      "schedulingProfiles: [{name: p, plugins: [{pluginRef: max-score-picker}, "
      "{pluginRef: queue-scorer}]}]\n");
  ASSERT_TRUE(loaded->result) << loaded->error();
  EXPECT_EQ(loaded->profile(0), (Names{"max-score-picker", "queue-scorer*1"}));
}

TEST(Assembly, LetsAProfileReferToOnePluginSeveralTimes) {
  const auto loaded = load(
      "plugins: [{type: queue-scorer}]\n"
      "schedulingProfiles: [{name: p, plugins: [{pluginRef: queue-scorer, "
      "weight: 2}, {pluginRef: queue-scorer, weight: 0.5}]}]\n");
  ASSERT_TRUE(loaded->result) << loaded->error();
  EXPECT_EQ(loaded->result->scheduler->plan()->profiles[0].scorers.size(), 2U);
}

TEST(Assembly, IgnoresReferencesToPluginsThatDoNotSchedule) {
  const auto loaded = load(
      "plugins: [{type: openai-parser}]\n"
      "schedulingProfiles: [{name: p, plugins: [{pluginRef: openai-parser}]}]\n");
  EXPECT_TRUE(loaded->result) << loaded->error();
}

TEST(Assembly, DoesNotInjectAMetricsSourceBesideARenamedOne) {
  const auto loaded = load(
      "plugins: [{name: mine, type: metrics-data-source}, "
      "{type: core-metrics-extractor}]\n"
      "dataLayer: {sources: [{pluginRef: mine, extractors: "
      "[{pluginRef: core-metrics-extractor}]}]}\n");
  ASSERT_TRUE(loaded->result) << loaded->error();
  EXPECT_EQ(loaded->result->sources.size(), 1U);
}

TEST(Assembly, LeavesTheDataLayerEmptyWhenToldTo) {
  const auto loaded =
      load("plugins: [{type: random-picker}]\ndataLayer: {injectDefaults: false}\n");
  ASSERT_TRUE(loaded->result) << loaded->error();
  EXPECT_TRUE(loaded->result->sources.empty());
}

TEST(Assembly, TakesAnExplicitListOfParsersAsItIs) {
  const auto loaded = load("requestHandler: {parsers: [{pluginRef: passthrough-parser}]}\n");
  ASSERT_TRUE(loaded->result) << loaded->error();
  EXPECT_EQ(loaded->result->parsers.parsers().size(), 1U);
}

TEST(Assembly, ReadsTheOpenAiPathsWithASingularVllmHttpParser) {
  const auto loaded = load("requestHandler: {parser: {pluginRef: vllmhttp-parser}}\n");
  ASSERT_TRUE(loaded->result) << loaded->error();
  EXPECT_TRUE(loaded->result->parsers.resolve("/v1/chat/completions"));
  ASSERT_EQ(loaded->result->warnings.size(), 1U);
  EXPECT_TRUE(loaded->result->warnings[0].text.contains("DEPRECATION"));
}

struct Refusal {
  std::string_view document;
  std::string text;
};

TEST(Assembly, RefusesWithTheReferencesTexts) {
  const std::vector<Refusal> refusals{
      {"plugins: [{parameters: {}}]\n",
       failed("configuration validation failed: plugin '' is missing a type")},
      {"plugins: [{type: queue-scorer}, {type: queue-scorer}]\n",
       failed("configuration validation failed: duplicate plugin name 'queue-scorer'")},
      {"plugins: [{type: queu-scorer}]\n",
       failed("configuration validation failed: plugin type 'queu-scorer' is not registered")},
      {"schedulingProfiles: [{plugins: []}]\n",
       failed("configuration validation failed: scheduling profile validation failed: "
              "schedulingProfiles[0] is missing a name")},
      {"schedulingProfiles: [{name: a}, {name: a}]\nplugins: [{type: single-profile-handler}]\n",
       failed("configuration validation failed: scheduling profile validation failed: "
              "schedulingProfiles[1] has duplicate name 'a'")},
      {"schedulingProfiles: [{name: a, plugins: [{weight: 1}]}]\n",
       failed("configuration validation failed: scheduling profile validation failed: "
              "schedulingProfiles[a].plugins[0] is missing a 'pluginRef'")},
      {"schedulingProfiles: [{name: a, plugins: [{pluginRef: x}]}]\n",
       failed("configuration validation failed: scheduling profile validation failed: "
              "schedulingProfiles[a] references undefined plugin 'x'")},
      {"flowControl: {saturationDetector: {pluginRef: x}}\n",
       failed("configuration validation failed: saturation detector validation failed: saturation "
              "detector references undefined plugin 'x'")},
      {"plugins: [{type: queue-scorer}]\n"
       "flowControl: {saturationDetector: {pluginRef: queue-scorer}}\n",
       failed("plugin 'queue-scorer' is not a fwkfc.SaturationDetector")},
      {"requestHandler: {parsers: [{pluginRef: x}]}\n",
       failed("system default application failed: failed to apply parser defaults: plugin type 'x' "
              "not found in registry")},
      {"plugins: [{type: random-picker}]\n"
       "requestHandler: {parsers: [{pluginRef: random-picker}]}\n",
       failed("parser registry build failed: the plugin \"random-picker\" is not a parser plugin")},
      {"plugins: [{type: random-picker}, {type: max-score-picker}]\n",
       failed(
           "scheduler config build failed: failed to add plugin 'max-score-picker' to profile "
           "'default': failed to set 'max-score-picker/max-score-picker' as picker, already have "
           "a registered picker plugin 'random-picker/random-picker'")},
      {"plugins: [{type: single-profile-handler}, {name: b, type: single-profile-handler}]\n",
       failed("scheduler config build failed: multiple profile handlers found "
              "('single-profile-handler', 'b'); only one is allowed")},
      {"schedulingProfiles: [{name: a}, {name: b}]\n",
       failed("scheduler config build failed: no profile handler configured")},
      {"plugins: [{type: single-profile-handler}]\nschedulingProfiles: [{name: a}, {name: b}]\n",
       failed("scheduler config build failed: SingleProfileHandler cannot support multiple "
              "scheduling profiles")},
      {"dataLayer: {sources: [{pluginRef: x}]}\n",
       failed("data layer config build failed: the plugin x is not a fwkdl.DataSource")},
      {"plugins: [{type: metrics-data-source}]\n"
       "dataLayer: {sources: [{pluginRef: metrics-data-source, extractors: [{pluginRef: x}]}]}\n",
       failed("data layer config build failed: the plugin x is not registered")},
      {"plugins: [{type: queue-scorer}]\ndataLayer: {injectDefaults: false}\n",
       "failed to create missing data producers - no default producer found for missing data key "
       "WaitingQueueSize/core-metrics-extractor, consumed by queue-scorer"},
      {"dataLayer: {discovery: {pluginRef: x}}\n", "discovery: no plugin found with name \"x\""},
      {"plugins: [{type: random-picker}]\ndataLayer: {discovery: {pluginRef: random-picker}}\n",
       "discovery: plugin \"random-picker\" does not implement EndpointDiscovery"},
      {"plugins: [{name: d, type: utilization-detector, parameters: {queueDepthThreshold: 0}}]\n",
       failed("plugin instantiation failed: failed to create plugin 'd' (type: "
              "utilization-detector): invalid utilization detector configuration: "
              "queueDepthThreshold must be strictly positive, got 0")},
  };
  for (const Refusal& refusal : refusals) {
    EXPECT_EQ(load(refusal.document)->error(), refusal.text) << refusal.document;
  }
}

TEST(Assembly, NamesTheNearestTypeAndPlace) {
  const auto loaded = load("plugins:\n- type: queu-scorer\n- type: max-scor-picker\n");
  ASSERT_FALSE(loaded->result);
  const Diagnostics& all = loaded->result.error();
  ASSERT_EQ(all.size(), 2U);  // every problem of the step, not only the first
  EXPECT_EQ(all[0].hint, "did you mean \"queue-scorer\"?");
  EXPECT_EQ(all[0].line, 4);
  EXPECT_EQ(all[1].text, "plugin type 'max-scor-picker' is not registered");
}

TEST(Assembly, ReportsAWrongParameterWithItsPlugin) {
  const auto loaded =
      load("plugins: [{type: max-score-picker, parameters: {maxNumOfEndpoints: x}}]\n");
  EXPECT_TRUE(loaded->error().starts_with(
      failed("plugin instantiation failed: failed to create plugin 'max-score-picker' (type: "
             "max-score-picker): ")))
      << loaded->error();
}

}  // namespace
}  // namespace pointsman
