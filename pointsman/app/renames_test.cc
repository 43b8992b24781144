// The table of renames, row by row: what a document says and what it is read as.

#include "pointsman/app/renames.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/app/builtin.h"
#include "pointsman/app/known_types.h"
#include "pointsman/config/config_loader.h"
#include "pointsman/config/yaml.h"

namespace pointsman {
namespace {

struct Case {
  std::string_view row;  // Rename::written
  std::string_view document;
  std::string_view meant;  // what it is read as; empty: it is refused
};

constexpr Case kCases[] = {
    {"type kv-cache-scorer",
     "plugins: [{type: kv-cache-scorer}]\n"
     "schedulingProfiles: [{name: p, plugins: [{pluginRef: kv-cache-scorer, weight: 2}]}]\n",
     "plugins: [{type: kv-cache-utilization-scorer}]\n"
     "schedulingProfiles: [{name: p, plugins: [{pluginRef: kv-cache-utilization-scorer, "
     "weight: 2}]}]\n"},
    {"type kv-cache-scorer", "plugins: [{type: kv-cache-scorer, name: mine}]\n",
     "plugins: [{type: kv-cache-utilization-scorer, name: mine}]\n"},
    {"type kv-cache-scorer",
     "plugins: [{type: kv-cache-scorer}, {type: kv-cache-utilization-scorer}]\n",
     "plugins: [{type: kv-cache-utilization-scorer, name: kv-cache-scorer}, "
     "{type: kv-cache-utilization-scorer}]\n"},
    {"prefix-cache-scorer with parameters of its index",
     "plugins: [{type: prefix-cache-scorer, parameters: {hashBlockSize: 64, "
     "maxPrefixBlocksToMatch: 256, lruCapacityPerServer: 31250}}]\n",
     "plugins: [{type: prefix-cache-scorer}, {type: approx-prefix-cache-producer, parameters: "
     "{blockSizeTokens: 16, maxPrefixBlocksToMatch: 256, lruCapacityPerServer: 31250}}]\n"},
    {"prefix-cache-scorer with parameters of its index",
     "plugins: [{type: prefix-cache-scorer, parameters: {autoTune: false, blockSizeTokens: 5}}]\n",
     "plugins: [{type: prefix-cache-scorer}, {type: approx-prefix-cache-producer, parameters: "
     "{autoTune: false, blockSizeTokens: 5}}]\n"},
    {"prefix-cache-scorer with parameters of its index",
     "plugins: [{type: prefix-cache-scorer, parameters: {blockSize: 5}}, "
     "{type: approx-prefix-cache-producer, parameters: {lruCapacityPerServer: 9}}]\n",
     "plugins: [{type: prefix-cache-scorer}, {type: approx-prefix-cache-producer, parameters: "
     "{lruCapacityPerServer: 9, blockSizeTokens: 1}}]\n"},
    {"prefix-cache-scorer with parameters of its index",
     "plugins: [{type: prefix-cache-scorer, name: a, parameters: {blockSizeTokens: 8}}, "
     "{type: prefix-cache-scorer, name: b, parameters: {blockSizeTokens: 9}}]\n",
     "plugins: [{type: prefix-cache-scorer, name: a}, {type: prefix-cache-scorer, name: b, "
     "parameters: {prefixMatchInfoProducerName: b-producer}}, {type: approx-prefix-cache-producer, "
     "parameters: {blockSizeTokens: 8}}, {type: approx-prefix-cache-producer, name: b-producer, "
     "parameters: {blockSizeTokens: 9}}]\n"},
    {"prefix-cache-scorer with mode: cache_tracking",
     "plugins: [{type: prefix-cache-scorer, parameters: {mode: cache_tracking}}]\n", ""},
    {"prefix-cache-scorer with indexerConfig",
     "plugins: [{type: prefix-cache-scorer, parameters: {indexerConfig: {}}}]\n", ""},
    {"prefix-cache-scorer with tokenProcessorConfig",
     "plugins: [{type: prefix-cache-scorer, parameters: {tokenProcessorConfig: {}}}]\n", ""},
    {"prefix-cache-scorer with kvBlockIndexConfig",
     "plugins: [{type: prefix-cache-scorer, parameters: {kvBlockIndexConfig: {}}}]\n", ""},
    {"type low-queue-filter", "plugins: [{type: low-queue-filter}]\n", ""},
    {"type lora-affinity-filter", "plugins: [{type: lora-affinity-filter}]\n", ""},
    {"type least-queue-filter", "plugins: [{type: least-queue-filter}]\n", ""},
    {"type least-kv-cache-filter", "plugins: [{type: least-kv-cache-filter}]\n", ""},
    {"type decision-tree-filter", "plugins: [{type: decision-tree-filter}]\n", ""},
    {"pd-profile-handler with a threshold or without a decider",
     "plugins: [{type: pd-profile-handler, parameters: {threshold: 0, hashBlockSize: 5, "
     "primaryPort: 8000}}]\n",
     "plugins: [{type: pd-profile-handler, parameters: {primaryPort: 8000, deciderPluginName: "
     "always-disagg-pd-decider}}, {type: always-disagg-pd-decider}]\n"},
    {"pd-profile-handler with a threshold or without a decider",
     "plugins: [{type: pd-profile-handler, parameters: {threshold: 102}}]\n",
     "plugins: [{type: pd-profile-handler}, {type: prefix-based-pd-decider, parameters: "
     "{nonCachedTokens: 26}}]\n"},
    {"pd-profile-handler with a threshold or without a decider",
     "plugins: [{type: pd-profile-handler}]\n",
     "plugins: [{type: pd-profile-handler, parameters: {deciderPluginName: "
     "always-disagg-pd-decider}}, {type: always-disagg-pd-decider}]\n"},
    {"feature gate prepareDataPlugins", "featureGates: [prepareDataPlugins]\nplugins: []\n",
     "plugins: []\n"},
    {"feature gate dataLayer", "featureGates: ['dataLayer=true', flowControl=false]\n",
     "featureGates: [flowControl=false]\n"},
    {"feature gate enableLegacyMetrics", "featureGates: [enableLegacyMetrics]\n", "{}"},
    {"section data", "data: {injectDefaults: false}\n", "dataLayer: {injectDefaults: false}\n"},
    {"type model-server-protocol-metrics",
     "plugins: [{type: model-server-protocol-metrics, parameters: {defaultEngine: sglang}}]\n"
     "dataLayer: {sources: [{pluginRef: m, extractors: [{pluginRef: "
     "model-server-protocol-metrics}]}]}\n",
     "plugins: [{type: core-metrics-extractor, parameters: {defaultEngine: sglang}}]\n"
     "dataLayer: {sources: [{pluginRef: m, extractors: [{pluginRef: core-metrics-extractor}]}]}\n"},
    {"saturationDetector with thresholds",
     "saturationDetector: {queueDepthThreshold: 5, kvCacheUtilThreshold: 0.8, "
     "metricsStalenessThreshold: 200}\n",
     "plugins: [{type: utilization-detector, parameters: {queueDepthThreshold: 5, "
     "kvCacheUtilThreshold: 0.8, metricsStalenessThreshold: 200ms}}]\n"},
    {"section saturationDetector", "saturationDetector: {pluginRef: d}\n",
     "flowControl: {saturationDetector: {pluginRef: d}}\n"},
    {"section saturationDetector",
     "saturationDetector: {pluginRef: old}\nflowControl: {saturationDetector: {pluginRef: new}}\n",
     "flowControl: {saturationDetector: {pluginRef: new}}\n"},
    {"type predicted-latency-scorer",
     "plugins: [{type: predicted-latency-scorer, parameters: {headroomSelectionStrategy: least, "
     "sloBufferFactor: 1}}]\n",
     "plugins: [{type: latency-scorer, parameters: {headroomSelectionStrategy: least}}, "
     "{type: predicted-latency-producer, parameters: {sloBufferFactor: 1}}]\n"},
    {"tokenizersPoolConfig.hf",
     "plugins: [{type: precise-prefix-cache-scorer, parameters: {indexerConfig: "
     "{tokenizersPoolConfig: {hf: {enabled: true}}}}}]\n",
     ""},
    {"tokenizersPoolConfig.local",
     "plugins: [{type: precise-prefix-cache-scorer, parameters: {indexerConfig: "
     "{tokenizersPoolConfig: {local: {}}}}}]\n",
     ""},
    {"tokenizersPoolConfig.tokenizersCacheDir",
     "plugins: [{type: precise-prefix-cache-scorer, parameters: {indexerConfig: "
     "{tokenizersPoolConfig: {tokenizersCacheDir: /x}}}}]\n",
     ""},
    {"indexerConfig.tokenProcessorConfig",
     "plugins: [{type: precise-prefix-cache-scorer, parameters: {indexerConfig: "
     "{tokenProcessorConfig: {}}}}]\n",
     ""},
    {"token-producer parameter http",
     "plugins: [{type: token-producer, parameters: {vllm: {http: 'http://a:1'}}}]\n",
     "plugins: [{type: token-producer, parameters: {vllm: {url: 'http://a:1'}}}]\n"},
    {"token-producer parameter http",
     "plugins: [{type: token-producer, parameters: {http: {url: 'http://a:1'}}}]\n",
     "plugins: [{type: token-producer, parameters: {vllm: {url: 'http://a:1'}}}]\n"},
    {"maxTokensInFlightPenalty",
     "plugins: [{type: prefix-cache-affinity-filter, parameters: {affinityThreshold: 0.8, "
     "maxTokensInFlightPenalty: 286720, maxTTFTPenaltyMs: 0}}]\n",
     "plugins: [{type: prefix-cache-affinity-filter, parameters: {affinityThreshold: 0.8, "
     "maxTTFTPenaltyMs: 18001}}]\n"},
    {"maxTokensInFlightPenalty",
     "plugins: [{type: prefix-cache-affinity-filter, parameters: {maxTokensInFlightPenalty: 1, "
     "maxTTFTPenaltyMs: 7}}]\n",
     "plugins: [{type: prefix-cache-affinity-filter, parameters: {maxTTFTPenaltyMs: 7}}]\n"},
    {"cacheSizeInMB",
     "plugins: [{type: mm-embeddings-cache-producer, parameters: {cacheSizeInMB: 2}}]\n",
     "plugins: [{type: mm-embeddings-cache-producer, parameters: {cacheSizeInMBPerServer: 2}}]\n"},
    {"dataLayer.discovery.pluginRef in llm-d.ai/v1",
     "apiVersion: llm-d.ai/v1\ndataLayer: {discovery: {pluginRef: d}}\n",
     "apiVersion: llm-d.ai/v1\ndataLayer: {discovery: {endpoints: {pluginRef: d}}}\n"},
    {"dataLayer.crossReplicaSyncerPluginRef in llm-d.ai/v1",
     "apiVersion: llm-d.ai/v1\ndataLayer: {crossReplicaSyncerPluginRef: s}\n",
     "apiVersion: llm-d.ai/v1\ndataLayer: {crossReplica: {syncerPluginRef: s}}\n"},
    {"dataLayer.crossReplicaSyncInterval in llm-d.ai/v1",
     "apiVersion: llm-d.ai/v1\ndataLayer: {crossReplicaSyncInterval: 1s}\n",
     "apiVersion: llm-d.ai/v1\ndataLayer: {crossReplica: {syncInterval: 1s}}\n"},
    {"dataLayer.crossReplicaPublishTimeout in llm-d.ai/v1",
     "apiVersion: llm-d.ai/v1\ndataLayer: {crossReplicaPublishTimeout: 1s}\n",
     "apiVersion: llm-d.ai/v1\ndataLayer: {crossReplica: {publishTimeout: 1s}}\n"},
};

const Rename* row_of(std::string_view written) {
  const auto rows = builtin_renames();
  const auto found = std::ranges::find(rows, written, &Rename::written);
  return found == rows.end() ? nullptr : &*found;
}

std::string json_of(std::string_view text) {
  const auto document = read_yaml(text);
  return document ? to_json(document->root) : document.error().text;
}

TEST(Renames, EveryRowIsTried) {
  std::set<std::string_view> tried;
  for (const Case& each : kCases) {
    EXPECT_NE(row_of(each.row), nullptr) << each.row;
    tried.insert(each.row);
  }
  for (const Rename& row : builtin_renames()) {
    const bool accepted = row.action == Rename::Action::accept;
    EXPECT_EQ(accepted, row.apply == nullptr) << row.written;
    EXPECT_TRUE(accepted || tried.contains(row.written)) << row.written;
  }
}

TEST(Renames, TranslateWithOneWarningThatNamesTheNewSpelling) {
  for (const Case& each : kCases) {
    const Rename& row = *row_of(each.row);
    if (row.action != Rename::Action::translate) continue;
    const auto fixed = fix_config(each.document, builtin_load_options());
    ASSERT_TRUE(fixed) << each.document << fixed.error().message;
    EXPECT_EQ(json_of(fixed->text), json_of(each.meant)) << each.document;
    std::size_t told = 0;
    for (const Diagnostic& warning : fixed->changes) {
      const bool ours = warning.text.contains(row.written) && warning.text.contains(row.today);
      EXPECT_TRUE(!ours || (warning.text.contains("DEPRECATION") && warning.line > 0));
      told += ours ? 1 : 0;
    }
    // The table has one warning per plugin concerned.
    EXPECT_EQ(told, fixed->changes.size()) << each.document;
    EXPECT_GE(told, 1U) << each.document;
    // What is written today needs no more of it.
    const auto again = fix_config(fixed->text, builtin_load_options());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->text, fixed->text);
    EXPECT_TRUE(again->changes.empty());
  }
}

TEST(Renames, RefuseWithWhatToWrite) {
  for (const Case& each : kCases) {
    const Rename& row = *row_of(each.row);
    if (row.action != Rename::Action::refuse) continue;
    Metrics metrics;
    const auto assembly = assemble(examine_config(each.document, builtin_load_options()),
                                   builtin_plugins(), metrics, builtin_options(true));
    ASSERT_FALSE(assembly) << each.document;
    EXPECT_TRUE(std::ranges::any_of(assembly.error(), [&](const Diagnostic& problem) {
      return problem.hint.contains(row.today) && problem.line > 0;
    })) << each.document;
  }
}

// What is accepted says itself that it is deprecated, as soon as it is there.
TEST(Renames, AcceptWhatIsKnown) {
  const Registry registry = builtin_plugins();
  for (const Rename& row : builtin_renames()) {
    if (row.action != Rename::Action::accept) continue;
    EXPECT_TRUE(std::ranges::find(known_types(), row.from) != known_types().end()) << row.written;
    const Registration* const line = registry.find(row.from);
    EXPECT_TRUE(line == nullptr || !line->deprecated ||
                row.today.contains(line->deprecated->replacement))
        << row.written;
  }
}

TEST(Renames, SayNothingOfTodaysDocuments) {
  const auto fixed = fix_config(default_config_text(), builtin_load_options());
  ASSERT_TRUE(fixed);
  EXPECT_EQ(fixed->text, default_config_text());
  EXPECT_TRUE(fixed->changes.empty());
}

}  // namespace
}  // namespace pointsman
