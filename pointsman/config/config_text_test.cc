#include "pointsman/config/config_text.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/config/config_loader.h"
#include "pointsman/config/yaml.h"

namespace pointsman {
namespace {

// spec/02 section 1.3.
TEST(ConfigText, IsAsTheReferenceLogsIt) {
  const Node parameters = read_yaml(R"({"key":"value"})").value().root;
  EXPECT_EQ(to_string(PluginSpec{"test-plugin", "test-type", &parameters, {}}),
            R"({Name: test-plugin, Type: test-type, Parameters: {"key":"value"}})");
  EXPECT_EQ(to_string(SchedulingPlugin{"test-ref", 2.5, {}}),
            "{PluginRef: test-ref, Weight: 2.50}");

  FlowControlConfig flow;
  flow.max_bytes = parse_quantity("1024").value();
  flow.default_request_ttl = std::chrono::seconds(30);
  flow.priority_bands.push_back({.priority = 10, .max_bytes = parse_quantity("512").value()});
  flow.saturation_detector = PluginRef{"test-plugin", {}};
  EXPECT_EQ(to_string(flow),
            "{MaxBytes: 1024, MaxRequests: unlimited, DefaultRequestTTL: 30s, PriorityBands: "
            "[{Priority: 10, MaxBytes: 512}], SaturationDetector: {PluginRef: test-plugin}}");

  RequestHandlerConfig handler;
  handler.parsers.push_back({"test-parser", {}});
  EXPECT_EQ(to_string(handler), "{Parsers: [{PluginRef: test-parser}]}");

  EndpointPickerConfig config;
  config.plugins.push_back({"p1", "t1", nullptr, {}});
  config.flow_control.emplace().saturation_detector = PluginRef{"sd1", {}};
  config.request_handler.emplace().parsers.push_back({"parser1", {}});
  EXPECT_EQ(to_string(config),
            "{Plugins: [{Name: p1, Type: t1}], FlowControl: {MaxBytes: unlimited, MaxRequests: "
            "unlimited, SaturationDetector: {PluginRef: sd1}}, RequestHandler: {Parsers: "
            "[{PluginRef: parser1}]}}");

  EXPECT_EQ(feature_gates_text({}), "{}");
  EXPECT_EQ(feature_gates_text({"a", "b"}), "{a,b}");
}

TEST(ConfigText, NamesEvictionAndUsageLimit) {
  FlowControlConfig flow;
  flow.enable_eviction = true;
  flow.usage_limit_policy = "u";
  EXPECT_EQ(to_string(flow),
            "{MaxBytes: unlimited, MaxRequests: unlimited, UsageLimitPolicyRef: u, EnableEviction: "
            "true}");
}

TEST(ConfigYaml, IsReadBackToTheSame) {
  const std::string text =
      "featureGates: [flowControl=false]\n"
      "plugins: [{type: a, parameters: {s: '12', y: 'yes', n: 1.5, list: [[1, x], {k: v}], e: {},"
      " l: [], t: \"a: b # c\\nd\", '': ~}}, {name: b, type: a}]\n"
      "schedulingProfiles: [{name: default, plugins: [{pluginRef: a, weight: 3}]}]\n"
      "dataLayer: {injectDefaults: false, sources: [{pluginRef: a, extractors: [{pluginRef: b}]}],"
      " discovery: {pluginRef: d}, crossReplicaSyncInterval: 1s}\n"
      "flowControl: {maxBytes: 1Gi, defaultRequestTTL: 0s, priorityBands: [{priority: -1}],"
      " enableEviction: true, defaultPriorityBand: {maxRequests: 5}}\n"
      "requestHandler: {parsers: [{pluginRef: p}]}\n";
  const auto first = load_config(text);
  ASSERT_TRUE(first.has_value()) << first.error().front().text;
  const std::string yaml = to_yaml(to_node(first->config));
  const auto second = load_config(yaml);
  ASSERT_TRUE(second.has_value()) << second.error().front().text << "\n" << yaml;
  EXPECT_EQ(to_string(second->config), to_string(first->config));
  EXPECT_EQ(to_yaml(to_node(second->config)), yaml);
}

TEST(ConfigYaml, IsWrittenInBlocks) {
  const auto loaded = load_config("");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(to_yaml(to_node(loaded->config)), default_config_text());
}

TEST(ConfigJson, IsEscapedAsGoDoes) {
  const auto document = read_yaml(R"(a: "\b\f\n\u0001<\u2028")");
  ASSERT_TRUE(document.has_value()) << document.error().text;
  EXPECT_EQ(to_json(document->root), R"({"a":"\b\f\n\u0001\u003c\u2028"})");
}

TEST(ConfigYaml, WritesLongKeysAsExplicitOnes) {
  const std::string key = std::string(5000, 'k') + ": ";
  const std::string json = R"({"a":[{")" + key + R"(":{"b":1}}],")" + key + R"(":1})";
  const auto first = read_yaml("? \"" + key + "\"\n: 1\na: [{? \"" + key + "\" : {b: 1}}]\n");
  ASSERT_TRUE(first.has_value()) << first.error().text;
  ASSERT_EQ(to_json(first->root), json);
  const auto again = read_yaml(to_yaml(first->root));
  ASSERT_TRUE(again.has_value()) << again.error().text;
  EXPECT_EQ(to_json(again->root), json);
}

TEST(ConfigYaml, QuotesTextsThatWouldReadAsSomethingElse) {
  for (const char* text :
       {"yes", "12",   "0x10", "~",  "",      "- a", "a: b",         "a #b",     "# a",     "{a",
        "*a",  "&a",   "!a",   "%a", "@a",    "`a",  "'a",           "\"a",      "a:",      " a",
        "a ",  "a\nb", "a\tb", "<<", "plain", "a-b", "tcp://*:5557", "${MODEL}", "\xC3\xA9"}) {
    Node node;
    node.kind = Node::Kind::mapping;
    Node value;
    value.kind = Node::Kind::string;
    value.text = text;
    node.members.push_back({.key = "k", .value = value});
    node.members.push_back({.key = text, .value = value});
    const auto back = read_yaml(to_yaml(node));
    ASSERT_TRUE(back.has_value()) << text;
    EXPECT_EQ(to_json(back->root), to_json(node)) << to_yaml(node);
  }
}

TEST(ToYaml, QuotesControlCharacters) {
  const auto document = read_yaml("a: \"q\\0b\"\n");
  ASSERT_TRUE(document);
  const std::string written = to_yaml(document->root);
  EXPECT_EQ(written.find('\0'), std::string::npos) << written;
  const auto again = read_yaml(written);
  ASSERT_TRUE(again) << written;
  EXPECT_EQ(to_json(again->root), to_json(document->root));
}

}  // namespace
}  // namespace pointsman
