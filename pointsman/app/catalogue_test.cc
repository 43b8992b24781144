// What the plugins of the scheduling catalogue (spec/01 section 3.0) add up to in a configuration:
// stability, deprecation, what they need, what they are refused with.

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/app/builtin.h"
#include "pointsman/config/config_loader.h"
#include "pointsman/engine/assembly.h"

namespace pointsman {
namespace {

using Names = std::vector<std::string>;

// A configuration of these plugins, and what became of it.
struct Loaded {
  Metrics metrics;
  std::expected<Assembly, Diagnostics> result = std::unexpected(Diagnostics{});

  explicit Loaded(std::string_view plugins, bool experimental = true) {
    auto config =
        load_config("apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\nplugins:\n" +
                    std::string(plugins));
    if (!config) {
      result = std::unexpected(config.error());
      return;
    }
    result =
        assemble(*std::move(config), builtin_plugins(), metrics, builtin_options(experimental));
  }
  std::string error() const { return result ? "(it loaded)" : result.error().front().text; }
  bool has(std::string_view name) const { return result && result->plugins->find(name) != nullptr; }
  Names producers() const {
    Names names;
    for (const Instance* producer : result->producers) names.push_back(producer->name.name);
    return names;
  }
};

std::string refusal(std::string_view name, std::string_view cause) {
  return "failed to load the configuration - plugin instantiation failed: failed to create plugin "
         "'" +
         std::string(name) + "' (type: " + std::string(name) + "): " + std::string(cause);
}

TEST(Catalogue, HoldsEveryFilterScorerPickerAndProducer) {
  const Registry registry = builtin_plugins();
  const auto all = [&](Stability stability, const Names& types) {
    for (const std::string& type : types) {
      const Registration* const line = registry.find(type);
      ASSERT_NE(line, nullptr) << type;
      EXPECT_EQ(line->stability, stability) << type;
    }
  };
  all(Stability::beta, {"label-selector-filter",
                        "by-label-selector",
                        "by-label",
                        "decode-filter",
                        "prefill-filter",
                        "encode-filter",
                        "prefix-cache-affinity-filter",
                        "slo-headroom-tier-filter",
                        "header-based-testing-filter",
                        "context-length-aware",
                        "queue-scorer",
                        "running-requests-size-scorer",
                        "kv-cache-utilization-scorer",
                        "lora-affinity-scorer",
                        "load-aware-scorer",
                        "token-load-scorer",
                        "active-request-scorer",
                        "latency-scorer",
                        "prefix-cache-scorer",
                        "mm-embeddings-cache-scorer",
                        "no-hit-lru-scorer",
                        "precise-prefix-cache-scorer",
                        "max-score-picker",
                        "random-picker",
                        "weighted-random-picker",
                        "approx-prefix-cache-producer",
                        "inflight-load-producer",
                        "mm-embeddings-cache-producer",
                        "session-id-producer",
                        "token-producer"});
  all(Stability::alpha,
      {"session-affinity-filter", "multicluster-session-affinity-filter",
       "topology-affinity-filter", "utilization-filter", "endpoint-attribute-filter",
       "session-affinity-scorer", "header-label-affinity-scorer", "endpoint-attribute-scorer",
       "topology-affinity-scorer", "multicluster-queue-scorer",
       "multicluster-kv-cache-utilization-scorer", "multicluster-prefix-cache-scorer",
       "multicluster-approx-prefix-cache-producer", "p2p-source-producer",
       "burst-prefix-cache-producer"});
}

TEST(Catalogue, DescribesTheParametersOfEveryPlugin) {
  const Registry registry = builtin_plugins();
  for (const Registration* line : registry.all()) {
    EXPECT_FALSE(line->help.empty()) << line->type;
    if (line->parameters == nullptr) continue;
    for (const FieldDoc& field : line->parameters()) {
      EXPECT_FALSE(field.help.empty()) << line->type << "." << field.name;
      EXPECT_FALSE(field.type.empty()) << line->type << "." << field.name;
    }
  }
}

TEST(Catalogue, GatesWhatIsExperimental) {
  const Loaded gated(
      "- type: utilization-filter\n  parameters: {conditions: [{metric: "
      "waiting-queue, maxValue: 5}]}\n",
      false);
  EXPECT_EQ(gated.error(),
            "plugin 'utilization-filter' (type: 'utilization-filter') has Alpha stability level, "
            "but command line flag --allow-experimental-plugins is not set");
}

TEST(Catalogue, WarnsOfDeprecatedNames) {
  for (const std::string type : {"by-label", "by-label-selector"}) {
    const Loaded loaded("- type: " + type + "\n  parameters: " +
                        (type == "by-label" ? "{label: a, allowsNoLabel: true}\n" : "{}\n"));
    ASSERT_TRUE(loaded.result) << loaded.error();
    EXPECT_EQ(loaded.result->plugins->find(type)->name.type, type);
    ASSERT_FALSE(loaded.result->warnings.empty());
    EXPECT_NE(loaded.result->warnings[0].text.find("since v0.9.0, to be removed in v0.11.0; use "
                                                   "'label-selector-filter'"),
              std::string::npos);
  }
}

TEST(Catalogue, RoleFiltersReportTheTypeByLabel) {
  const Loaded loaded("- type: decode-filter\n- type: prefill-filter\n- type: encode-filter\n");
  ASSERT_TRUE(loaded.result) << loaded.error();
  EXPECT_EQ(loaded.result->plugins->find("prefill-filter")->name.type, "by-label");
}

TEST(Catalogue, CreatesTheProducersThatScorersNeed) {
  const Loaded loaded(
      "- type: token-load-scorer\n- type: no-hit-lru-scorer\n"
      "- type: mm-embeddings-cache-scorer\n- type: context-length-aware\n");
  ASSERT_TRUE(loaded.result) << loaded.error();
  for (const char* const name : {"inflight-load-producer", "approx-prefix-cache-producer",
                                 "mm-embeddings-cache-producer", "token-producer"}) {
    EXPECT_TRUE(loaded.has(name)) << name;
  }
  // What is read comes first; the load producer takes off what the prefix producer found.
  const Names order = loaded.producers();
  const auto at = [&](std::string_view name) { return std::ranges::find(order, name); };
  EXPECT_LT(at("token-producer"), at("approx-prefix-cache-producer"));
  EXPECT_LT(at("approx-prefix-cache-producer"), at("inflight-load-producer"));
  EXPECT_LT(at("approx-prefix-cache-producer"), at("no-hit-lru-scorer"));
}

TEST(Catalogue, RefusesWhatNobodyProducesYet) {
  EXPECT_EQ(Loaded("- type: latency-scorer\n").error(),
            "failed to create missing data producers - no default producer found for missing data "
            "key LatencyPredictionInfoDataKey/predicted-latency-producer, consumed by "
            "latency-scorer");
  EXPECT_EQ(Loaded("- type: multicluster-queue-scorer\n").error(),
            "failed to create missing data producers - no default producer found for missing data "
            "key llm-d.ai/multicluster-queue-size/, consumed by multicluster-queue-scorer");
  EXPECT_EQ(Loaded("- type: precise-prefix-cache-scorer\n  name: cache\n").error(),
            "failed to create missing data producers - no default producer found for missing data "
            "key PrefixCacheMatchInfoDataKey/cache, consumed by cache");
}

TEST(Catalogue, RefusesParametersInTheReferencesWords) {
  EXPECT_EQ(Loaded("- type: prefix-cache-scorer\n  parameters: {hashBlockSize: 5}\n").error(),
            refusal("prefix-cache-scorer",
                    "failed to decode prefix cache scorer parameters: json: unknown field "
                    "\"hashBlockSize\""));
  EXPECT_EQ(Loaded("- type: prefix-cache-affinity-filter\n  parameters: "
                   "{maxTokensInFlightPenalty: 5}\n")
                .error(),
            refusal("prefix-cache-affinity-filter",
                    "failed to unmarshal config: json: unknown field "
                    "\"maxTokensInFlightPenalty\""));
  EXPECT_EQ(Loaded("- type: by-label\n  parameters: {labels: a}\n").error(),
            refusal("by-label",
                    "failed to parse the parameters of the 'by-label' filter - json: unknown "
                    "field \"labels\""));
  EXPECT_EQ(Loaded("- type: token-producer\n  parameters: {http: {}}\n").error(),
            refusal("token-producer",
                    "failed to parse the parameters of the 'token-producer' plugin - json: unknown "
                    "field \"http\""));
  EXPECT_EQ(Loaded("- type: precise-prefix-cache-scorer\n  parameters: {hf: 1}\n").error(),
            refusal("precise-prefix-cache-scorer",
                    "failed to parse precise-prefix-cache-scorer config: json: unknown field "
                    "\"hf\""));
  EXPECT_EQ(
      Loaded("- type: header-label-affinity-scorer\n").error(),
      refusal("header-label-affinity-scorer", "header-label-affinity-scorer requires parameters"));
  EXPECT_EQ(Loaded("- type: session-id-producer\n").error(),
            refusal("session-id-producer",
                    "'session-id-producer' requires exactly one of headerName or cookieName to be "
                    "set"));
}

TEST(Catalogue, LoadsAProfileOfEverything) {
  const Loaded loaded(R"(
- {type: label-selector-filter, parameters: {matchLabels: {a: b}}}
- {type: session-affinity-filter, parameters: {strategy: session_id}}
- {type: topology-affinity-filter, parameters: {minAffinity: zone}}
- type: utilization-filter
  parameters: {conditions: [{metric: active-requests, maxValue: 8}], fallbackOnEmpty: true}
- type: endpoint-attribute-filter
  parameters:
    attribute: WaitingQueueSize
    onMissing: Fail
    algorithm: {type: threshold, threshold: {operator: LessThan, value: 10}}
- type: prefix-cache-affinity-filter
- type: active-request-scorer
  parameters: {requestTimeout: "2m", maxBusyScore: null}
- type: load-aware-scorer
- type: endpoint-attribute-scorer
  parameters:
    attributeKey: KVCacheUsagePercent
    algorithm: {type: linear_lower_is_better, normalization: {adaptiveRange: {}}}
- type: header-label-affinity-scorer
  parameters: {headerName: X-Tier, labelKey: tier}
- type: topology-affinity-scorer
- type: p2p-source-producer
)");
  ASSERT_TRUE(loaded.result) << loaded.error();
  EXPECT_TRUE(loaded.has("inflight-load-producer"));
}

}  // namespace
}  // namespace pointsman
