#include "pointsman/config/config_loader.h"

#include <cerrno>
#include <expected>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "pointsman/config/patch.h"
#include "pointsman/config/yaml.h"

namespace pointsman {
namespace {

constexpr std::string_view kApiVersion = "llm-d.ai/v1alpha1";
constexpr std::string_view kNewApiVersion = "llm-d.ai/v1";
constexpr std::string_view kOldApiVersion = "inference.networking.x-k8s.io/v1alpha1";
constexpr std::string_view kKind = "EndpointPickerConfig";
constexpr std::string_view kPhase = "failed to parse config - ";
constexpr std::string_view kDecode = "failed to decode configuration JSON/YAML: ";
constexpr std::size_t kMostProblems = 100;  // a document of garbage need not be listed whole

constexpr std::string_view kDefault = R"(apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: queue-scorer
- type: kv-cache-utilization-scorer
- type: prefix-cache-scorer
- type: metrics-data-source
- type: core-metrics-extractor
schedulingProfiles:
- name: default
  plugins:
  - pluginRef: queue-scorer
    weight: 2
  - pluginRef: kv-cache-utilization-scorer
    weight: 2
  - pluginRef: prefix-cache-scorer
    weight: 3
dataLayer:
  sources:
  - pluginRef: metrics-data-source
    extractors:
    - pluginRef: core-metrics-extractor
)";

Diagnostic at(const Node& node, std::string path, std::string text, std::string hint = {}) {
  return {.path = std::move(path),
          .line = node.line,
          .column = node.column,
          .text = std::move(text),
          .hint = std::move(hint)};
}

// Adds problems; the very first is prefixed as the reference does, which stops there.
void note(Diagnostics& all, std::string_view prefix, Diagnostics problems) {
  if (problems.empty()) return;
  if (all.empty()) problems.front().text.insert(0, std::string(kPhase) + std::string(prefix));
  all.insert(all.end(), std::move_iterator(problems.begin()), std::move_iterator(problems.end()));
  if (all.size() > kMostProblems) all.resize(kMostProblems);
}

// The text of `apiVersion` or `kind`, or `fallback` when it is not written.
std::expected<std::string, Diagnostic> header(const Node& root, std::string_view key,
                                              std::string_view fallback) {
  const Node* node = root.find(key);
  if (node == nullptr || node->is_null()) return std::string(fallback);
  if (node->is_string()) return node->text.empty() ? std::string(fallback) : node->text;
  return std::unexpected(at(*node, std::string(key),
                            "couldn't get version/kind; json parse error: json: cannot unmarshal " +
                                std::string(json_kind(*node)) + " into Go struct field ." +
                                std::string(key) + " of type string"));
}

// Whether the document is one of ours (spec/02 section 1.1).
std::optional<Diagnostic> check_envelope(const Node& root) {
  if (!root.is_null() && !root.is_mapping()) {
    return at(root, "",
              "couldn't get version/kind; json parse error: json: cannot unmarshal " +
                  std::string(json_kind(root)) + " into Go value of type object");
  }
  const auto version = header(root, "apiVersion", kApiVersion);
  if (!version) return version.error();
  const auto kind = header(root, "kind", kKind);
  if (!kind) return kind.error();
  const bool known =
      *version == kApiVersion || *version == kNewApiVersion || *version == kOldApiVersion;
  if (known && *kind == kKind) return std::nullopt;
  const Node* culprit = root.find(known ? "kind" : "apiVersion");
  return at(culprit != nullptr ? *culprit : root, known ? "kind" : "apiVersion",
            "no kind " + in_quotes(*kind) + " is registered for version " + in_quotes(*version) +
                " in scheme \"pointsman\"",
            "write kind " + std::string(kKind) + " of apiVersion " + std::string(kApiVersion) +
                " or " + std::string(kNewApiVersion));
}

// Duplicate keys and unknown fields, in one text as the reference gives them, then one by one.
Diagnostics strict_problems(const Diagnostics& duplicates, const Diagnostics& unknown) {
  Diagnostics all;
  std::string text = "strict decoding error: ";
  if (!duplicates.empty()) text += "yaml: unmarshal errors:";
  for (const Diagnostic& each : duplicates) {
    if (&each != &duplicates.front()) text += ",";
    text += " line " + std::to_string(each.line) + ": " + each.text;
    all.push_back(each);
  }
  for (const Diagnostic& each : unknown) {
    if (!all.empty()) text += ", ";
    text += each.text;
    all.push_back(each);
  }
  if (!all.empty()) all.front().text = std::move(text);
  return all;
}

EndpointPickerConfig decode(Node root, const Diagnostics& duplicates, Diagnostics& problems) {
  EndpointPickerConfig config;
  config.document = std::make_shared<const Node>(std::move(root));
  Reader reader("", Dialect::document);
  Codec<EndpointPickerConfig>::read(reader, *config.document, config, nullptr);
  problems = reader.problems();
  Diagnostics strict = strict_problems(duplicates, reader.unknown_fields());
  problems.insert(problems.end(), strict.begin(), strict.end());
  if (config.api_version.empty()) config.api_version = kApiVersion;
  if (config.kind.empty()) config.kind = kKind;
  return config;
}

Diagnostic deprecation(const Place& place, std::string path, const std::string& instead) {
  const std::string text = "DEPRECATION: " + path + " is deprecated; use " + instead;
  return {.path = std::move(path), .line = place.line, .column = place.column, .text = text};
}

// Moves deprecated fields to where they belong; the old ones stay as written.
Diagnostics move_deprecated(EndpointPickerConfig& config) {
  Diagnostics notes;
  if (config.api_version == kOldApiVersion) {
    const Node* node = config.document->find("apiVersion");
    notes.push_back(deprecation(node != nullptr ? node->place() : Place{},
                                "apiVersion " + std::string(kOldApiVersion),
                                std::string(kApiVersion) + "/" + std::string(kKind)));
    notes.back().path = "apiVersion";
  }
  if (const auto& detector = config.saturation_detector) {
    notes.push_back(
        deprecation(detector->place, "saturationDetector", "flowControl.saturationDetector"));
    if (!config.flow_control) config.flow_control.emplace();
    auto& target = config.flow_control->saturation_detector;
    if (!target) target = detector;
  }
  const auto adopt = [&](const PluginRef& parser, std::string path) {
    notes.push_back(deprecation(parser.place, std::move(path), "requestHandler.parsers"));
    if (!config.request_handler) config.request_handler.emplace();
    auto& parsers = config.request_handler->parsers;
    if (!parsers.empty()) return false;
    parsers.push_back(parser);
    return true;
  };
  if (config.request_handler && config.request_handler->parser) {
    const PluginRef parser = *config.request_handler->parser;
    config.legacy_parser = adopt(parser, "requestHandler.parser");
  }
  if (config.parser) adopt(*config.parser, "parser");
  return notes;
}

// Says that a section is written for nothing. Injected defaults never cause it.
std::optional<Diagnostic> idle_flow_control(const EndpointPickerConfig& config,
                                            const FeatureGates& gates) {
  const auto gate = gates.find("flowControl");
  if (!config.flow_control || (gate != gates.end() && gate->second)) return std::nullopt;
  const FlowControlConfig& flow = *config.flow_control;
  const bool used = flow.max_bytes || flow.max_requests || flow.default_request_ttl ||
                    flow.no_endpoint_request_ttl || flow.default_priority_band ||
                    flow.default_negative_priority_band || !flow.priority_bands.empty() ||
                    !flow.usage_limit_policy.empty() || flow.enable_eviction;
  if (!used) return std::nullopt;
  return Diagnostic{.path = "flowControl",
                    .line = flow.place.line,
                    .column = flow.place.column,
                    .text =
                        "the flowControl feature gate is disabled: of the section flowControl "
                        "only saturationDetector has an effect"};
}

Diagnostics gate_problems(const EndpointPickerConfig& config, const ResolvedGates& resolved) {
  static const Node kNowhere;
  const Node* entries = config.document->find("featureGates");
  Diagnostics problems;
  for (const GateProblem& problem : resolved.problems) {
    const bool known = entries != nullptr && problem.entry < entries->items.size();
    problems.push_back(at(known ? entries->items[problem.entry] : kNowhere,
                          "featureGates[" + std::to_string(problem.entry) + "]", problem.text,
                          problem.hint));
  }
  return problems;
}

}  // namespace

ExaminedConfig examine_config(std::string_view text, const LoadOptions& options) {
  ExaminedConfig examined;
  auto document = read_yaml(text.empty() ? kDefault : text);
  if (!document) {
    note(examined.problems, kDecode, {std::move(document).error()});
    return examined;
  }
  if (auto wrong = check_envelope(document->root)) {
    note(examined.problems, kDecode, {*std::move(wrong)});
    // A document of an unknown version may still be read for more; what is no mapping may not.
    if (!document->root.is_mapping() && !document->root.is_null()) return examined;
  }
  DocumentEditor editor(std::move(document->root));
  apply(options.renames, editor);

  Diagnostics problems;
  LoadedConfig& loaded = examined.loaded.emplace();
  loaded.config = decode(editor.take_root(), document->duplicates, problems);
  note(examined.problems, kDecode, std::move(problems));
  EndpointPickerConfig& config = loaded.config;
  loaded.repairs = editor.repairs();
  loaded.warnings = move_deprecated(config);
  loaded.warnings.insert(loaded.warnings.end(), editor.warnings().begin(), editor.warnings().end());
  for (PluginSpec& plugin : config.plugins) {
    if (plugin.name.empty()) plugin.name = plugin.type;
    if (plugin.place.line == 0) plugin.place = editor.added_at(plugin.name);
  }
  ResolvedGates gates = resolve_gates(config.feature_gates, options.gates, options.missing_gates);
  note(examined.problems, "feature gate validation failed: ", gate_problems(config, gates));
  loaded.gates = std::move(gates.gates);
  if (auto idle = idle_flow_control(config, loaded.gates)) loaded.warnings.push_back(*idle);
  add_hints(examined.problems, loaded.repairs);
  return examined;
}

ExaminedConfig examine_config_file(const std::string& path, const LoadOptions& options) {
  const auto text = read_config_file(path);
  if (text) return examine_config(*text, options);
  return {.loaded = {}, .problems = {{.text = text.error().message}}};
}

std::expected<LoadedConfig, Diagnostics> load_config(std::string_view text,
                                                     const LoadOptions& options) {
  ExaminedConfig examined = examine_config(text, options);
  if (!examined.problems.empty()) return std::unexpected(std::move(examined.problems));
  return *std::move(examined.loaded);
}

std::expected<LoadedConfig, Diagnostics> load_config_file(const std::string& path,
                                                          const LoadOptions& options) {
  const auto text = read_config_file(path);
  if (!text) return std::unexpected(Diagnostics{{.text = text.error().message}});
  return load_config(*text, options);
}

Result<std::string> read_config_file(const std::string& path) {
  const auto unreadable = [&](int error) {
    std::string reason = std::generic_category().message(error);
    if (reason.front() >= 'A' && reason.front() <= 'Z') reason.front() += 'a' - 'A';
    return fail(Code::invalid_config,
                "failed to load config from a file '" + path + "' - open " + path + ": " + reason);
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return unreadable(EISDIR);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return unreadable(errno);
  // One byte more than allowed is enough to see that the file is too large.
  std::string text(YamlLimits{}.bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return unreadable(EIO);
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

Result<FixedConfig> fix_config(std::string_view text, const LoadOptions& options) {
  const auto document = read_yaml(text);
  if (!document) return fail(Code::invalid_config, to_string(document.error()));
  if (!document->duplicates.empty()) {
    return fail(Code::invalid_config, to_string(document->duplicates.front()));
  }
  DocumentEditor editor(document->root);
  if (document->root.is_mapping()) apply(options.renames, editor);
  POINTSMAN_TRY(patched, patch_text(text, document->root, editor.root()));
  return FixedConfig{.text = std::move(patched), .changes = editor.warnings()};
}

std::string_view default_config_text() {
  return kDefault;
}

}  // namespace pointsman
