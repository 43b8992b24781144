// Vector V5 of spec/01 section 8.1: disaggregated serving with the real plugins, from configuration
// to the headers that the sidecar reads.

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/app/builtin.h"
#include "pointsman/config/config_loader.h"
#include "pointsman/engine/assembly.h"
#include "pointsman/engine/scheduler.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::Scene;
using testing::Server;

constexpr std::string_view kTwoStages = R"(
- {type: prefix-based-pd-decider, parameters: {nonCachedTokens: 2}}
- {type: decode-filter}
- {type: prefill-filter}
- type: disagg-profile-handler
  parameters: {deciders: {prefill: prefix-based-pd-decider}}
schedulingProfiles:
- {name: prefill, plugins: [{pluginRef: prefill-filter}]}
- {name: decode, plugins: [{pluginRef: decode-filter}]}
)";

std::expected<Assembly, Diagnostics> assembled(std::string_view plugins, Metrics& metrics) {
  auto config = load_config("apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\nplugins:" +
                            std::string(plugins));
  if (!config) return std::unexpected(config.error());
  return assemble(*std::move(config), builtin_plugins(), metrics, builtin_options(false));
}

const Server kDecoder{.name = "d", .labels = {{"llm-d.ai/role", "decode"}}};
const Server kPrefiller{.name = "p", .labels = {{"llm-d.ai/role", "prefill"}}};

// One request of `tokens` tokens, of which the decode server holds `cached`.
struct Rig {
  Metrics metrics;
  SchedulerShard shard{metrics, metrics.add_shard()};
  Scene scene;
  std::expected<Assembly, Diagnostics> assembly;
  Decision decision;
  HeaderEdits edits;

  Rig(const std::vector<Server>& servers, std::string_view plugins = kTwoStages)
      : scene(servers), assembly(assembled(plugins, metrics)) {}

  std::string route(std::int64_t tokens, std::int32_t cached = 0) {
    if (!assembly) return assembly.error().front().text;
    const SignalTable& table = assembly->plugins->signals();
    const auto match = table.find({"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"});
    const auto prompt = table.find({"TokenizedPrompt", "token-producer"});
    if (!match || !prompt) return "no producers";
    scene.arena.reset();
    scene.signals.reset(scene.arena, table.size(), scene.fleet.size());
    scene.signals.write(Cell<TokenizedPrompt>{*prompt}).tokens = tokens;
    for (PrefixMatch& each : scene.signals.write(Column<PrefixMatch>{*match})) {
      each = {.match = cached, .total = 2, .block_tokens = 1, .cached = cached};
    }
    decision.reset();
    const auto all = scene.all();
    const Context context = scene.context();
    const auto done = assembly->scheduler->schedule(context, all, decision, shard);
    if (!done) return decision.error;
    edits.reset(scene.arena);
    Samples samples;
    Effects effects{samples, edits};
    for (const auto& plugin : assembly->plugins->all()) {
      if (plugin->hook != nullptr && plugin->handler != nullptr) {
        plugin->hook->dispatched(context, decision, effects);
      }
    }
    std::string way = scene.fleet[decision.targets()[0]].name;
    for (const Header& line : edits.lines()) way += " " + std::string(line.value);
    return way;
  }
};

TEST(V5, LongUncachedPromptsAreComputedElsewhere) {
  Rig rig({kDecoder, kPrefiller});
  EXPECT_EQ(rig.route(2), "d 10.0.0.2:8000");
  EXPECT_EQ(rig.route(2, 2), "d");
  EXPECT_EQ(rig.route(1), "d");
}

TEST(V5, AServerWithoutARoleDecodes) {
  Rig rig({{.name = "plain"}});
  EXPECT_EQ(rig.route(2), "plain");
}

TEST(V5, NothingWorksWithoutADecodeServer) {
  Rig rig({kPrefiller});
  EXPECT_TRUE(rig.route(2).starts_with("failed to find available decode workers"))
      << rig.decision.error;
}

TEST(V5, PrefillFirstRunsBoth) {
  Rig rig({kDecoder, kPrefiller}, R"(
- {type: decode-filter}
- {type: prefill-filter}
- {type: disagg-profile-handler, parameters: {stageOrder: prefill-first}}
schedulingProfiles:
- {name: prefill, plugins: [{pluginRef: prefill-filter}]}
- {name: decode, plugins: [{pluginRef: decode-filter}]}
)");
  EXPECT_EQ(rig.route(100, 0), "d 10.0.0.2:8000");
}

TEST(DisaggConfiguration, MayNameADeciderThatStandsBelow) {
  Metrics metrics;
  const auto assembly = assembled(R"(
- {type: disagg-profile-handler, parameters: {deciders: {prefill: later}}}
- {type: always-disagg-pd-decider, name: later}
schedulingProfiles:
- {name: decode}
)",
                                  metrics);
  EXPECT_TRUE(assembly) << assembly.error().front().text;
}

TEST(DisaggConfiguration, SaysWhichDeciderIsMissing) {
  Metrics metrics;
  const auto assembly = assembled(R"(
- {type: disagg-profile-handler, parameters: {deciders: {encode: nobody}}}
schedulingProfiles:
- {name: decode}
)",
                                  metrics);
  ASSERT_FALSE(assembly);
  EXPECT_EQ(
      assembly.error().front().text,
      "failed to load the configuration - plugin instantiation failed: failed to create "
      "plugin 'disagg-profile-handler' (type: disagg-profile-handler): deciders.encode plugin "
      "not found: nobody");
}

TEST(HeaderProfiles, AnUnknownNameIsTheClientsMistake) {
  Metrics metrics;
  SchedulerShard shard(metrics, metrics.add_shard());
  auto config = load_config(
      "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\nplugins: [{type: "
      "header-profile-handler}]\nschedulingProfiles: [{name: decode}, {name: prefill}]\n");
  ASSERT_TRUE(config);
  const auto assembly =
      assemble(*std::move(config), builtin_plugins(), metrics, builtin_options(true));
  ASSERT_TRUE(assembly) << assembly.error().front().text;
  Scene scene({{.name = "a"}});
  const std::vector<Header> headers{{"epp-profile", "encode"}};
  scene.request.headers = headers;
  scene.signals.reset(scene.arena, assembly->plugins->signals().size(), scene.fleet.size());
  Decision decision;
  const auto all = scene.all();
  const auto done = assembly->scheduler->schedule(scene.context(), all, decision, shard);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::bad_request);
  EXPECT_NE(done.error().message.find("header value \"encode\""), std::string::npos);
}

}  // namespace
}  // namespace pointsman
