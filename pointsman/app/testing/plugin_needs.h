#pragma once

#include <map>
#include <string>
#include <string_view>

#include "pointsman/app/testing/lone_plugin.h"

namespace pointsman::testing {

// How a plugin is configured where its name alone will not do.
struct Need {
  std::string parameters = "{}";
  std::string listed{};    // entries of `plugins` beside it
  std::string profiles{};  // the whole of `schedulingProfiles`
};

inline const std::string kStages = R"(
- {name: decode, plugins: [{pluginRef: decode-filter}, {pluginRef: queue-scorer}]}
- {name: prefill, plugins: [{pluginRef: prefill-filter}]}
- {name: encode, plugins: [{pluginRef: encode-filter}]}
)";
inline const std::string kRoles = R"(
- {type: queue-scorer}
- {type: decode-filter}
- {type: prefill-filter}
- {type: encode-filter}
)";
inline const std::string kBySession =
    "{strategy: session_id, sessionIdConfig: {sources: [{header: x-session}]}}";

inline std::string disaggregated_by(std::string_view deciders) {
  return kRoles + "- {type: disagg-profile-handler, parameters: {deciders: {" +
         std::string(deciders) + "}}}\n";
}

inline Need need_of(std::string_view type) {
  static const std::map<std::string_view, Need> kNeeds{
      {"always-disagg-multimodal-decider",
       {.listed = disaggregated_by("encode: always-disagg-multimodal-decider"),
        .profiles = kStages}},
      {"always-disagg-pd-decider",
       {.listed = disaggregated_by("prefill: always-disagg-pd-decider"), .profiles = kStages}},
      {"by-label", {"{label: tier, validValues: [gold], allowsNoLabel: true}"}},
      {"by-label-selector", {"{matchLabels: {tier: gold}}"}},
      {"disagg-profile-handler",
       {.parameters = "{deciders: {prefill: always-disagg-pd-decider}}",
        .listed = kRoles + "- {type: always-disagg-pd-decider}\n",
        .profiles = kStages}},
      {"disaggregatedset-rollout-screener",
       {"{scope: {labelSelector: tier}, headerSelectors: [{name: tier, headerName: X-Tier, "
        "labelKey: tier, mode: prefer}], revisionGating: {revisionLabelKey: tier, roleLabelKey: "
        "llm-d.ai/role, mode: sum, requireRoles: {values: [decode]}}}"}},
      {"endpoint-attribute-filter",
       {"{attribute: WaitingQueueSize, onMissing: Fail, fallbackOnEmpty: true, algorithm: {type: "
        "threshold, threshold: {operator: LessThan, value: 3}}}"}},
      {"endpoint-attribute-scorer",
       {"{attributeKey: KVCacheUsagePercent, algorithm: {type: linear_lower_is_better, "
        "normalization: {adaptiveRange: {}}}}"}},
      {"file-discovery", {"{path: endpoints.yaml}"}},
      {"header-label-affinity-scorer", {"{headerName: X-Tier, labelKey: tier}"}},
      {"header-profile-handler", {.listed = kRoles, .profiles = kStages}},
      {"label-selector-filter", {"{matchLabels: {tier: gold}}"}},
      {"multicluster-session-affinity-filter", {kBySession}},
      {"pd-profile-handler",
       {.parameters = "{deciderPluginName: prefix-based-pd-decider}",
        .listed = kRoles + "- {type: prefix-based-pd-decider, parameters: {nonCachedTokens: 8}}\n",
        .profiles = "\n- {name: decode, plugins: [{pluginRef: decode-filter}]}\n"
                    "- {name: prefill, plugins: [{pluginRef: prefill-filter}]}\n"}},
      {"prefix-based-pd-decider",
       {.parameters = "{nonCachedTokens: 8}",
        .listed = disaggregated_by("prefill: prefix-based-pd-decider"),
        .profiles = kStages}},
      {"request-attribute-reporter",
       {"{attributes: [{key: {name: tokens}, expression: usage.prompt_tokens * 2.0}]}"}},
      {"session-affinity-filter", {kBySession}},
      {"session-affinity-scorer", {kBySession}},
      {"session-id-producer", {"{headerName: x-session}"}},
      {"topology-affinity-filter", {"{minAffinity: zone}"}},
      {"utilization-filter",
       {"{conditions: [{metric: waiting-queue, maxValue: 3}], fallbackOnEmpty: true}"}},
  };
  const auto row = kNeeds.find(type);
  return row == kNeeds.end() ? Need{} : row->second;
}

inline constexpr std::string_view kHead =
    "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\n";

inline std::string entry(std::string_view type, const std::string& parameters) {
  return "- {type: " + std::string(type) + ", parameters: " + parameters + "}\n";
}

// The beginning of a configuration in which the plugin is listed.
inline std::string listing(std::string_view type, const Need& need) {
  return std::string(kHead) + "plugins:\n- {type: oracle}\n" + entry(type, need.parameters) +
         need.listed;
}

// Whether a profile names plugins of this type.
inline bool stands_in_a_profile(std::string_view type, const Need& need) {
  const LonePlugin listed(listing(type, need));
  if (!listed.error().empty()) return false;
  const Instance* const plugin = listed.pipeline().assembly().plugins->find(type);
  return plugin->filter != nullptr || plugin->scorer != nullptr || plugin->picker != nullptr;
}

// A configuration in which the plugin has a part in every decision.
inline std::string config_with(std::string_view type) {
  const Need need = need_of(type);
  std::string config = listing(type, need);
  if (!need.profiles.empty()) return config + "schedulingProfiles:" + need.profiles;
  const bool in_profile = stands_in_a_profile(type, need);
  if (type != "queue-scorer") config += "- {type: queue-scorer}\n";
  config += "- {type: prefix-cache-scorer, name: cache}\n";
  config += "schedulingProfiles:\n- name: default\n  plugins:\n";
  if (in_profile) config += "  - pluginRef: " + std::string(type) + "\n";
  if (type != "queue-scorer") config += "  - pluginRef: queue-scorer\n";
  return config + "  - pluginRef: cache\n";
}

}  // namespace pointsman::testing
