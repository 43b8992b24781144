#include "pointsman/config/config_loader.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/config/config_text.h"

namespace pointsman {
namespace {

constexpr std::string_view kHead = "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\n";

LoadOptions every_gate() {
  LoadOptions options;
  options.gates.emplace("test-feature-gate", true);
  options.missing_gates.clear();
  return options;
}

std::expected<LoadedConfig, Diagnostics> load(const std::string& body) {
  return load_config(std::string(kHead) + body, every_gate());
}

std::string problem(const std::string& body) {
  const auto loaded = load(body);
  return loaded ? "none" : loaded.error().front().text;
}

// Whether a warning says that something is deprecated.
bool deprecates(const LoadedConfig& loaded) {
  return std::ranges::any_of(loaded.warnings, [](const Diagnostic& warning) {
    return warning.text.contains("DEPRECATION") && warning.text.contains("deprecated");
  });
}

constexpr std::string_view kFull = R"(
featureGates: [test-feature-gate, flowControl]
plugins:
- name: test1
  type: test-one
  parameters:
    threshold: 10
- name: profileHandler
  type: test-profile-handler
- type: test-two
  parameters: {blockSize: 32}
- name: testPicker
  type: test-picker
schedulingProfiles:
- name: default
  plugins:
  - pluginRef: test1
  - pluginRef: test-two
    weight: 50
  - pluginRef: testPicker
flowControl:
  saturationDetector:
    pluginRef: test1
)";

TEST(ConfigLoader, ReadsAFullDocument) {
  const auto loaded = load(std::string(kFull));
  ASSERT_TRUE(loaded.has_value()) << loaded.error().front().text;
  const EndpointPickerConfig& config = loaded->config;
  ASSERT_EQ(config.plugins.size(), 4U);
  EXPECT_EQ(config.plugins[0].name, "test1");
  EXPECT_EQ(config.plugins[2].name, "test-two");  // from its type
  ASSERT_NE(config.plugins[2].parameters, nullptr);
  EXPECT_EQ(to_json(*config.plugins[2].parameters), R"({"blockSize":32})");
  EXPECT_EQ(config.plugins[3].parameters, nullptr);
  EXPECT_EQ(config.plugins[1].place, (Place{10, 3}));
  ASSERT_EQ(config.scheduling_profiles.size(), 1U);
  EXPECT_EQ(config.scheduling_profiles[0].plugins[1].weight, 50.0);
  EXPECT_EQ(config.scheduling_profiles[0].plugins[0].weight, std::nullopt);
  EXPECT_EQ(config.flow_control->saturation_detector->plugin_ref, "test1");
  EXPECT_TRUE(loaded->gates.at("test-feature-gate"));
  EXPECT_TRUE(loaded->gates.at("flowControl"));
  EXPECT_TRUE(loaded->warnings.empty());
}

TEST(ConfigLoader, KeepsParametersAliveInCopies) {
  EndpointPickerConfig copy;
  {
    const auto loaded = load(std::string(kFull));
    ASSERT_TRUE(loaded.has_value());
    copy = loaded->config;
  }
  EXPECT_EQ(to_json(*copy.plugins[0].parameters), R"({"threshold":10})");
}

TEST(ConfigLoader, AcceptsTheDeprecatedGroup) {
  const auto loaded = load_config(
      "apiVersion: inference.networking.x-k8s.io/v1alpha1\nkind: EndpointPickerConfig\n"
      "plugins: [{type: a}]\n");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_TRUE(deprecates(*loaded));
  EXPECT_TRUE(loaded->warnings.front().text.contains("llm-d.ai/v1alpha1/EndpointPickerConfig"));
  EXPECT_EQ(loaded->config.api_version, "inference.networking.x-k8s.io/v1alpha1");
}

TEST(ConfigLoader, AcceptsADocumentWithoutHeader) {
  for (const char* text : {"plugins: [{type: a}]", "kind: EndpointPickerConfig",
                           "apiVersion: llm-d.ai/v1alpha1", "apiVersion: ''\nkind: ~"}) {
    const auto loaded = load_config(text);
    ASSERT_TRUE(loaded.has_value()) << text;
    EXPECT_EQ(loaded->config.api_version, "llm-d.ai/v1alpha1");
    EXPECT_EQ(loaded->config.kind, "EndpointPickerConfig");
    EXPECT_TRUE(loaded->warnings.empty());
  }
}

TEST(ConfigLoader, AcceptsJson) {
  const auto loaded = load_config(
      R"({"apiVersion":"llm-d.ai/v1alpha1","kind":"EndpointPickerConfig","plugins":[{"type":"a"}]})");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->config.plugins[0].name, "a");
}

TEST(ConfigLoader, RefusesOtherKindsAndVersions) {
  const std::string start = "failed to parse config - failed to decode configuration JSON/YAML: ";
  const auto text = [](const std::string& document) {
    const auto loaded = load_config(document);
    return loaded ? "none" : loaded.error().front().text;
  };
  EXPECT_EQ(text("apiVersion: llm-d.ai/v1alpha1\nkind: Pod\n"),
            start + R"(no kind "Pod" is registered for version "llm-d.ai/v1alpha1" in scheme )" +
                R"("pointsman")");
  EXPECT_TRUE(
      text("apiVersion: llm-d.ai/v9\n")
          .starts_with(
              start + R"(no kind "EndpointPickerConfig" is registered for version "llm-d.ai/v9")"));
  EXPECT_TRUE(
      text("apiVersion: 12\n")
          .starts_with(
              start +
              "couldn't get version/kind; json parse error: json: cannot unmarshal number"));
  EXPECT_TRUE(text("- a\n").starts_with(
      start + "couldn't get version/kind; json parse error: json: cannot unmarshal array"));
  EXPECT_TRUE(text("a: [1\nb: 2\n").starts_with(start + "yaml: line "));
}

TEST(ConfigLoader, TakesTheBuiltInDefaultForAnEmptyText) {
  const auto loaded = load_config("");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(to_string(loaded->config),
            "{Plugins: [{Name: queue-scorer, Type: queue-scorer} "
            "{Name: kv-cache-utilization-scorer, Type: kv-cache-utilization-scorer} "
            "{Name: prefix-cache-scorer, Type: prefix-cache-scorer} "
            "{Name: metrics-data-source, Type: metrics-data-source} "
            "{Name: core-metrics-extractor, Type: core-metrics-extractor}], "
            "SchedulingProfiles: [{Name: default, Plugins: ["
            "{PluginRef: queue-scorer, Weight: 2.00} "
            "{PluginRef: kv-cache-utilization-scorer, Weight: 2.00} "
            "{PluginRef: prefix-cache-scorer, Weight: 3.00}]}], "
            "DataLayer: {Sources: [{PluginRef: metrics-data-source, "
            "Extractors: [{PluginRef: core-metrics-extractor}]}]}}");
  EXPECT_TRUE(loaded->config.feature_gates.empty());
}

TEST(ConfigLoader, TakesCommentsOnlyAsAnEmptyConfiguration) {
  const auto loaded = load_config("# nothing here\n");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_TRUE(loaded->config.plugins.empty());
  EXPECT_TRUE(loaded->config.scheduling_profiles.empty());
  EXPECT_FALSE(loaded->config.data_layer.has_value());
}

TEST(ConfigLoader, ReadsGates) {
  const auto loaded = load("featureGates: ['test-feature-gate=false']\nplugins: [{type: a}]\n");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_FALSE(loaded->gates.at("test-feature-gate"));
  EXPECT_FALSE(loaded->gates.at("flowControl"));
  EXPECT_TRUE(loaded->gates.at("haPopulateNonLeaderDatastore"));
}

TEST(ConfigLoader, RefusesBadGates) {
  const std::string start = "failed to parse config - feature gate validation failed: ";
  EXPECT_EQ(problem("featureGates: [unknown-gate]"),
            start + "feature gate 'unknown-gate' is unknown or unregistered");
  EXPECT_TRUE(problem("featureGates: [flowControl=qwerty]")
                  .starts_with(start + "qwerty is not a valid value for the feature gate"));
}

TEST(ConfigLoader, RefusesAGateThatTheBuildLacks) {
  const auto loaded = load_config("plugins: []\nfeatureGates:\n- flowControl\n");
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(
      loaded.error().front().text,
      "failed to parse config - feature gate validation failed: feature gate 'flowControl' is "
      "not in this build yet");
  EXPECT_EQ(loaded.error().front().line, 3);
}

TEST(ConfigLoader, MovesTheDeprecatedDetector) {
  const auto loaded = load("saturationDetector: {pluginRef: sd}\n");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_TRUE(deprecates(*loaded));
  EXPECT_EQ(loaded->warnings.size(), 1U);
  EXPECT_EQ(loaded->config.flow_control->saturation_detector->plugin_ref, "sd");
  EXPECT_EQ(loaded->config.saturation_detector->plugin_ref, "sd");

  const auto both = load(
      "saturationDetector: {pluginRef: old}\nflowControl: {saturationDetector: {pluginRef: "
      "new}}\n");
  ASSERT_TRUE(both.has_value());
  EXPECT_EQ(both->config.flow_control->saturation_detector->plugin_ref, "new");
}

TEST(ConfigLoader, MovesTheDeprecatedParser) {
  const auto loaded = load("parser: {pluginRef: p}\n");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_TRUE(deprecates(*loaded));
  ASSERT_EQ(loaded->config.request_handler->parsers.size(), 1U);
  EXPECT_EQ(loaded->config.request_handler->parsers[0].plugin_ref, "p");
  EXPECT_FALSE(loaded->config.legacy_parser);
}

TEST(ConfigLoader, AcceptsTheSingularParserOfReleasedVersions) {
  const auto loaded = load("requestHandler: {parser: {pluginRef: vllmhttp-parser}}\n");
  ASSERT_TRUE(loaded.has_value()) << loaded.error().front().text;
  EXPECT_TRUE(deprecates(*loaded));
  EXPECT_EQ(loaded->warnings.size(), 1U);
  ASSERT_EQ(loaded->config.request_handler->parsers.size(), 1U);
  EXPECT_EQ(loaded->config.request_handler->parsers[0].plugin_ref, "vllmhttp-parser");
  EXPECT_TRUE(loaded->config.legacy_parser);

  const auto both = load("requestHandler: {parser: {pluginRef: a}, parsers: [{pluginRef: b}]}\n");
  ASSERT_TRUE(both.has_value());
  EXPECT_EQ(both->config.request_handler->parsers[0].plugin_ref, "b");
  EXPECT_FALSE(both->config.legacy_parser);
}

TEST(ConfigLoader, IsSilentAboutDeprecationOtherwise) {
  const auto loaded =
      load("flowControl: {saturationDetector: {pluginRef: a}}\nrequestHandler: {parsers: []}\n");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_TRUE(loaded->warnings.empty());
}

TEST(ConfigLoader, WarnsOfAFlowControlSectionWithoutItsGate) {
  for (const char* body :
       {"flowControl: {maxBytes: 1024}\n",
        "featureGates: [flowControl=false]\nflowControl: {maxBytes: '1024'}\n",
        "flowControl: {defaultRequestTTL: 1s}\n", "flowControl: {priorityBands: [{}]}\n",
        "flowControl: {enableEviction: true}\n"}) {
    const auto loaded = load(body);
    ASSERT_TRUE(loaded.has_value()) << body;
    ASSERT_EQ(loaded->warnings.size(), 1U) << body;
    EXPECT_TRUE(loaded->warnings[0].text.contains("flowControl feature gate is disabled"));
  }
  for (const char* body : {"", "flowControl: {}\n", "flowControl: {saturationDetector: {}}\n",
                           "featureGates: [flowControl]\nflowControl: {maxBytes: 1024}\n"}) {
    const auto loaded = load(body);
    ASSERT_TRUE(loaded.has_value()) << body;
    EXPECT_TRUE(loaded->warnings.empty()) << body;
  }
}

TEST(ConfigLoader, ReadsFlowControlValues) {
  const auto loaded = load(
      "featureGates: [flowControl]\n"
      "flowControl: {maxBytes: '1024', maxRequests: 4294967296, defaultRequestTTL: 1m,"
      " noEndpointRequestTTL: '5m', defaultPriorityBand: {maxBytes: '10'}, priorityBands:"
      " [{priority: -10, maxBytes: 10Gi, maxRequests: 1k, fairnessPolicyRef: f}]}\n");
  ASSERT_TRUE(loaded.has_value()) << loaded.error().front().text;
  const FlowControlConfig& flow = *loaded->config.flow_control;
  EXPECT_EQ(flow.max_bytes->value, 1024);
  EXPECT_EQ(flow.max_requests->value, 4'294'967'296);
  EXPECT_EQ(flow.default_request_ttl, std::chrono::seconds(60));
  EXPECT_EQ(flow.no_endpoint_request_ttl, std::chrono::seconds(300));
  EXPECT_EQ(flow.default_priority_band->max_bytes->value, 10);
  ASSERT_EQ(flow.priority_bands.size(), 1U);
  EXPECT_EQ(flow.priority_bands[0].priority, -10);
  EXPECT_EQ(flow.priority_bands[0].max_bytes->value, 10'737'418'240);
  EXPECT_EQ(flow.priority_bands[0].max_requests->value, 1000);
  EXPECT_EQ(flow.priority_bands[0].fairness_policy_ref, "f");
}

TEST(ConfigLoader, TellsAnEmptyDiscoveryFromAnAbsentOne) {
  EXPECT_TRUE(load("dataLayer: {discovery: {}}").value().config.data_layer->discovery.has_value());
  EXPECT_FALSE(load("dataLayer: {}").value().config.data_layer->discovery.has_value());
  EXPECT_FALSE(load("dataLayer: {discovery: ~}").value().config.data_layer->discovery.has_value());
  EXPECT_FALSE(load("dataLayer: {injectDefaults: off}").value().config.data_layer->inject_defaults);
}

TEST(ConfigLoader, CollectsEveryProblemWithItsPlace) {
  const auto loaded = load("plugins:\n- type: a\n  wheight: 1\n- type: 12\nzzz: 1\n");
  ASSERT_FALSE(loaded.has_value());
  ASSERT_EQ(loaded.error().size(), 3U);
  EXPECT_TRUE(loaded.error()[0].text.ends_with(
      "json: cannot unmarshal number into Go struct field EndpointPickerConfig.plugins[1].type of "
      "type string"));
  EXPECT_EQ(loaded.error()[0].line, 6);
  EXPECT_EQ(loaded.error()[1].path, "plugins[0].wheight");
  EXPECT_EQ(loaded.error()[1].line, 5);
  EXPECT_EQ(loaded.error()[2].text, R"(unknown field "zzz")");
}

TEST(ConfigLoader, NamesAFileThatCannotBeRead) {
  const auto loaded = load_config_file("/nonexistent/config.yaml");
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().front().text,
            "failed to load config from a file '/nonexistent/config.yaml' - open "
            "/nonexistent/config.yaml: no such file or directory");
  const auto directory = load_config_file("/");
  ASSERT_FALSE(directory.has_value());
  EXPECT_TRUE(directory.error().front().text.ends_with(": is a directory"));
}

// spec/02 section 1.1: strictness at every level of the schema.
TEST(StrictDecoding, RefusesUnknownFields) {
  const std::string start =
      "failed to parse config - failed to decode configuration JSON/YAML: strict decoding error: ";
  EXPECT_EQ(problem("plugins: [{type: a, foo: 1}]"), start + R"(unknown field "plugins[0].foo")");
  EXPECT_EQ(problem("zzz: 1\nplugins: [{type: a, foo: 1}, {type: b, bar: 2}]"),
            start + R"(unknown field "plugins[0].foo", unknown field "plugins[1].bar", )" +
                R"(unknown field "zzz")");
  EXPECT_EQ(problem("schedulingProfiles: [{name: d, plugins: [{pluginRef: a, wait: 1}]}]"),
            start + R"(unknown field "schedulingProfiles[0].plugins[0].wait")");
  EXPECT_EQ(problem("flowControl: {priorityBands: [{x: 1}]}"),
            start + R"(unknown field "flowControl.priorityBands[0].x")");
  EXPECT_EQ(problem("dataLayer: {sources: [{extractors: [{name: x}]}]}"),
            start + R"(unknown field "dataLayer.sources[0].extractors[0].name")");
}

TEST(StrictDecoding, RefusesFieldsOfTheWrongCase) {
  EXPECT_TRUE(problem("Plugins: []").ends_with(R"(unknown field "Plugins")"));
  const auto loaded = load("plugins: [{Type: a}]");
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().front().hint, R"(did you mean "type"?)");
}

TEST(StrictDecoding, RefusesDuplicateKeysEverywhere) {
  EXPECT_EQ(problem("plugins:\n- type: a\n  type: b\n  parameters:\n    k: 1\n    k: 2\nbad: 1\n"),
            "failed to parse config - failed to decode configuration JSON/YAML: strict decoding "
            "error: yaml: unmarshal errors: line 5: key \"type\" already set in map, line 8: key "
            "\"k\" already set in map, unknown field \"bad\"");
}

TEST(StrictDecoding, RefusesValuesOfAnotherType) {
  const std::string start =
      "failed to parse config - failed to decode configuration JSON/YAML: json: cannot unmarshal ";
  const auto refuses = [&](const std::string& body, const std::string& kind) {
    EXPECT_TRUE(problem(body).starts_with(start + kind)) << problem(body);
  };
  refuses("plugins: [\"testing 1 2 3\"]", "string into Go struct field");
  refuses("plugins: {a: b}", "object into Go struct field");
  refuses("plugins: [{type: yes}]", "bool into Go struct field");
  refuses("schedulingProfiles: [{plugins: [{weight: '3'}]}]", "string into Go struct field");
  refuses("dataLayer: {sources: [{extractors: [core]}]}", "string into Go struct field");
  refuses("flowControl: {defaultRequestTTL: 30}", "number into Go struct field");
  refuses("flowControl: {priorityBands: [{priority: 1.5}]}", "number 1.5 into Go struct field");
}

TEST(StrictDecoding, RefusesBadQuantitiesAndDurations) {
  EXPECT_TRUE(problem("flowControl: {maxBytes: abc}").contains("quantities must match"));
  EXPECT_TRUE(problem("flowControl: {maxBytes: true}").contains("quantities must match"));
  EXPECT_TRUE(problem("flowControl: {defaultRequestTTL: soon}")
                  .ends_with("JSON/YAML: time: invalid duration \"soon\""));
}

TEST(StrictDecoding, LeavesParametersToThePlugin) {
  EXPECT_EQ(problem("plugins: [{type: a, parameters: {anything: [1, {x: y}]}}]"), "none");
  EXPECT_EQ(problem("plugins: [{type: a, parameters: 12}]"), "none");
  const auto null = load("plugins: [{type: a, parameters: ~}]");
  ASSERT_TRUE(null.has_value());
  ASSERT_NE(null->config.plugins[0].parameters, nullptr);
  EXPECT_TRUE(null->config.plugins[0].parameters->is_null());
}

}  // namespace
}  // namespace pointsman
