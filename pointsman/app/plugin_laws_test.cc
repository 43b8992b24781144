// What holds for every plugin type that this build knows, whoever wrote it: the laws of
// docs/writing-a-plugin.md. A new plugin is held to them from its first build on; one that needs
// parameters or companions to be configured has a row in kNeeds.

#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/app/testing/lone_plugin.h"
#include "pointsman/base/testing/allocations.h"
#include "pointsman/engine/testing/fakes.h"

namespace pointsman {
namespace {

using testing::allocations;
using testing::asked;
using testing::Loads;
using testing::LonePlugin;

// How a plugin is configured where its name alone will not do.
struct Need {
  std::string parameters = "{}";
  std::string listed{};    // entries of `plugins` beside it
  std::string profiles{};  // the whole of `schedulingProfiles`
};

const std::string kStages = R"(
- {name: decode, plugins: [{pluginRef: decode-filter}, {pluginRef: queue-scorer}]}
- {name: prefill, plugins: [{pluginRef: prefill-filter}]}
- {name: encode, plugins: [{pluginRef: encode-filter}]}
)";
const std::string kRoles = R"(
- {type: queue-scorer}
- {type: decode-filter}
- {type: prefill-filter}
- {type: encode-filter}
)";
const std::string kBySession =
    "{strategy: session_id, sessionIdConfig: {sources: [{header: x-session}]}}";

std::string disaggregated_by(std::string_view deciders) {
  return kRoles + "- {type: disagg-profile-handler, parameters: {deciders: {" +
         std::string(deciders) + "}}}\n";
}

Need need_of(std::string_view type) {
  static const std::map<std::string_view, Need> kNeeds{
      {"always-disagg-multimodal-decider",
       {.listed = disaggregated_by("encode: always-disagg-multimodal-decider"),
        .profiles = kStages}},
      {"always-disagg-pd-decider",
       {.listed = disaggregated_by("prefill: always-disagg-pd-decider"), .profiles = kStages}},
      {"by-label", {"{label: tier, validValues: [gold], allowsNoLabel: true}"}},
      {"by-label-selector", {"{matchLabels: {tier: gold}}"}},
      {"data-parallel-profile-handler", {}},
      {"disagg-profile-handler",
       {.parameters = "{deciders: {prefill: always-disagg-pd-decider}}",
        .listed = kRoles + "- {type: always-disagg-pd-decider}\n",
        .profiles = kStages}},
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

constexpr std::string_view kHead = "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\n";

std::string entry(std::string_view type, const std::string& parameters) {
  return "- {type: " + std::string(type) + ", parameters: " + parameters + "}\n";
}

// Whether a profile names plugins of this type.
bool stands_in_a_profile(std::string_view type) {
  const LonePlugin listed(
      std::string(kHead) + "plugins:\n- {type: oracle}\n" + entry(type, need_of(type).parameters) +
      need_of(type).listed +
      (need_of(type).profiles.empty() ? "" : "schedulingProfiles:" + need_of(type).profiles));
  if (!listed.error().empty()) return false;
  for (const auto& plugin : listed.pipeline().assembly().plugins->all()) {
    if (plugin->type != type) continue;
    return plugin->filter != nullptr || plugin->scorer != nullptr || plugin->picker != nullptr;
  }
  return false;
}

// A configuration in which the plugin has a part in every decision.
std::string config_with(std::string_view type) {
  const Need need = need_of(type);
  std::string config = std::string(kHead) + "plugins:\n- {type: oracle}\n" +
                       entry(type, need.parameters) + need.listed;
  if (!need.profiles.empty()) return config + "schedulingProfiles:" + need.profiles;
  if (!config.contains("type: queue-scorer")) config += "- {type: queue-scorer}\n";
  config += "- {type: prefix-cache-scorer, name: cache}\n";
  config += "schedulingProfiles:\n- name: default\n  plugins:\n";
  if (stands_in_a_profile(type)) config += "  - pluginRef: " + std::string(type) + "\n";
  if (type != "queue-scorer") config += "  - pluginRef: queue-scorer\n";
  return config + "  - pluginRef: cache\n";
}

class PluginLaws : public ::testing::TestWithParam<std::string> {
 protected:
  std::string type_ = GetParam();
  std::string config_ = config_with(type_);
};

TEST_P(PluginLaws, IsMadeFromItsParameters) {
  EXPECT_EQ(LonePlugin(config_).error(), "") << config_;
}

TEST_P(PluginLaws, RefusesAnUnknownParameter) {
  const Registry registry = builtin_plugins();
  if (registry.find(type_)->parameters == nullptr) {
    // The reference reads none of them, so there is none to be unknown.
    return;
  }
  std::string parameters = need_of(type_).parameters;
  parameters.insert(1, parameters == "{}" ? "noSuchField: 1" : "noSuchField: 1, ");
  std::string config = config_;
  const std::string was = entry(type_, need_of(type_).parameters);
  config.replace(config.find(was), was.size(), entry(type_, parameters));
  EXPECT_TRUE(LonePlugin(config).error().contains("noSuchField")) << LonePlugin(config).error();
}

TEST_P(PluginLaws, DecidesWhateverTheFleetLooksLike) {
  for (const Loads loads : {Loads::sound, Loads::missing, Loads::absurd}) {
    for (const std::size_t endpoints : {0U, 1U, 5U, 4096U}) {
      LonePlugin router(config_, endpoints, loads);
      ASSERT_EQ(router.error(), "");
      const auto client = router.client();
      for (std::size_t i = 0; i < (endpoints > 100 ? 3U : 16U); ++i) {
        const auto outcome = client->ask(asked(i));
        EXPECT_TRUE(endpoints > 0 || !outcome);
        if (!outcome) {
          EXPECT_NE(outcome.error().code, Code::internal) << outcome.error().message;
          continue;
        }
        const Decision& d = *client->decision();
        ASSERT_FALSE(d.targets().empty());
        for (const EndpointIndex e : d.targets()) EXPECT_LT(e, endpoints);
        for (const double total : d.totals) EXPECT_TRUE(std::isfinite(total));
      }
    }
  }
}

TEST_P(PluginLaws, AllocatesNothingOnceItIsWarm) {
  LonePlugin router(config_, 32);
  ASSERT_EQ(router.error(), "");
  const auto client = router.client();
  std::vector<testing::Asked> requests;
  for (std::size_t i = 0; i < 8; ++i) requests.push_back(asked(i));
  // What happens for the first time may take memory, however late: another endpoint is picked. So
  // one stretch of requests without any is asked for, among the first few.
  constexpr std::size_t kStretch = 500;
  std::vector<std::uint64_t> taken;
  std::size_t decided = 0;
  while (taken.size() < 12 && (taken.empty() || taken.back() > 0)) {
    taken.push_back(0);
    for (std::size_t i = 0; i < kStretch; ++i) {
      const std::uint64_t before = allocations();
      if (!client->ask(requests[i % 8])) continue;  // a refusal makes its text
      taken.back() += allocations() - before;
      ++decided;
    }
  }
  EXPECT_EQ(taken.back(), 0U) << ::testing::PrintToString(taken);
  EXPECT_GT(decided, 0U);
}

// Everything that a request's owner could tell apart.
std::vector<double> decisions_under(const std::string& config, Trace (*trace)()) {
  LonePlugin router(config, 12);
  const auto client = router.client(7);
  std::vector<double> all;
  for (std::size_t i = 0; i < 64; ++i) {
    const bool decided = client->ask(asked(i), trace()).has_value();
    all.push_back(decided ? 1.0 : 0.0);
    if (client->decision() == nullptr) continue;
    const Decision& d = *client->decision();
    for (const EndpointIndex e : d.picks) all.push_back(e);
    for (const double total : d.totals) all.push_back(total);
    for (const double score : d.scores) all.push_back(std::isnan(score) ? -1.0 : score);
  }
  return all;
}

TEST_P(PluginLaws, DecidesAlikeHoweverItIsTraced) {
  const auto off = decisions_under(config_, +[] { return Trace(); });
  EXPECT_GT(off.size(), 64U);
  EXPECT_EQ(decisions_under(config_, +[] { return Trace(testing::caller_context()); }), off);
  EXPECT_EQ(decisions_under(config_, testing::recording_trace), off);
}

TEST_P(PluginLaws, ServesFourWorkersAtOnce) {
  LonePlugin router(config_, 12);
  ASSERT_EQ(router.error(), "");
  std::vector<std::jthread> workers;
  for (std::uint64_t w = 0; w < 4; ++w) {
    workers.emplace_back([client = router.client(w), w]() {
      for (std::size_t i = 0; i < 50; ++i) (void)client->ask(asked(i + w));
    });
  }
  const Fleet fleet = testing::mixed_fleet(12, Loads::sound);
  for (int i = 0; i < 20; ++i) router.pipeline().tend(fleet);
}

std::vector<std::string> all_types() {
  std::vector<std::string> types;
  const Registry registry = builtin_plugins();
  for (const Registration* line : registry.all()) types.emplace_back(line->type);
  return types;
}

INSTANTIATE_TEST_SUITE_P(Every, PluginLaws, ::testing::ValuesIn(all_types()), [](const auto& type) {
  std::string name = type.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
});

}  // namespace
}  // namespace pointsman
