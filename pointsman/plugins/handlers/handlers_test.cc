#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/plugins/handlers/data_parallel.h"
#include "pointsman/plugins/handlers/deciders.h"
#include "pointsman/plugins/handlers/disagg_headers.h"
#include "pointsman/plugins/handlers/header_profile.h"
#include "pointsman/plugins/handlers/pd_profile.h"
#include "pointsman/plugins/handlers/testing/handler_rig.h"

namespace pointsman {
namespace {

using testing::HandlerRig;
using testing::HookRig;
using testing::make;
using testing::NamedPlugins;
using testing::Scene;

struct HeaderCase {
  std::string header;  // empty: not sent
  std::string ran;
  std::string error;
};

TEST(HeaderProfileHandler, RunsTheProfileThatTheHeaderNames) {
  const std::vector<HeaderCase> cases{
      {"prefill", "prefill", ""},
      {"  decode ", "decode", ""},
      {"", "decode", ""},
      {"   ", "decode", ""},
      {"Prefill", "",
       "header profile handler: no scheduling profile configured for \"epp-profile\" header value "
       "\"Prefill\""},
  };
  for (const HeaderCase& c : cases) {
    Scene scene({{.name = "a"}});
    const auto handler = make<HeaderProfileHandler>({}, scene.table);
    const std::array<Header, 1> headers{Header{"epp-profile", c.header}};
    if (!c.header.empty()) scene.request.headers = headers;
    scene.begin();
    HandlerRig run(scene, {{"prefill", {{0}}}, {"decode", {{0}}}});
    const auto primary = run.run(*handler);
    EXPECT_EQ(run.order(), c.ran) << c.header;
    EXPECT_EQ(primary ? "" : primary.error().message, c.error);
    if (!primary) {
      EXPECT_EQ(primary.error().code, Code::bad_request);
    }
  }
}

TEST(HeaderProfileHandler, RunsTheOnlyProfileWhateverTheHeaderSays) {
  Scene scene({{.name = "a"}});
  const auto handler = make<HeaderProfileHandler>({}, scene.table);
  const std::array<Header, 1> headers{Header{"epp-profile", "other"}};
  scene.request.headers = headers;
  scene.begin();
  HandlerRig run(scene, {{"one", {{0}}}});
  EXPECT_EQ(run.run(*handler), 0U);
}

TEST(HeaderProfileHandler, SaysWhatIsMissing) {
  Scene scene({{.name = "a"}});
  const auto handler = make<HeaderProfileHandler>(
      {.header = " X-Stage ", .default_profile = "nowhere"}, scene.table);
  scene.begin();
  HandlerRig run(scene, {{"a", {{0}}}, {"b", {{0}}}});
  EXPECT_EQ(run.run(*handler).error().message,
            "header profile handler: missing \"x-stage\" header");
}

TEST(DataParallelProfileHandler, SendsToThePrimaryPortAndNamesTheRank) {
  Scene scene({{.name = "a"}, {.name = "b"}});
  const auto handler = make<DataParallelProfileHandler>({.primary_port = 9000}, scene.table);
  scene.begin();
  HandlerRig run(scene, {{"default", {{1}}}});
  ASSERT_EQ(run.run(*handler), 0U);
  EXPECT_EQ(handler->target_port(), 9000);
  HookRig hook(scene);
  hook.dispatch(*handler, run.decision(0));
  EXPECT_EQ(hook.header("x-data-parallel-host-port"), "10.0.0.2:8000");
}

TEST(DataParallelProfileHandler, SurvivesARunWithoutTargets) {
  Scene scene({{.name = "a"}});
  const auto handler = make<DataParallelProfileHandler>({}, scene.table);
  scene.begin();
  HandlerRig run(scene, {{"default", std::vector<EndpointIndex>{}}});
  ASSERT_EQ(run.run(*handler), 0U);
  HookRig hook(scene);
  hook.dispatch(*handler, run.decision(0));
  EXPECT_TRUE(hook.edits.lines().empty());
}

TEST(DataParallelProfileHandler, RunsOneProfileOnly) {
  Scene scene({{.name = "a"}});
  const auto handler = make<DataParallelProfileHandler>({}, scene.table);
  scene.begin();
  HandlerRig two(scene, {{"a", {{0}}}, {"b", {{0}}}});
  EXPECT_FALSE(two.run(*handler));
  EXPECT_EQ(two.order(), "");
  HandlerRig failed(scene, {{"a", {}}});
  failed.profiles[0].targets.reset();
  EXPECT_EQ(failed.run(*handler).error().message, "failed to run scheduler profile 'a'");
}

TEST(DataParallelParams, TakePortsOnly) {
  EXPECT_TRUE(DataParallelParams::check({.primary_port = 0}));
  EXPECT_TRUE(DataParallelParams::check({.primary_port = 65'535}));
  EXPECT_EQ(DataParallelParams::check({.primary_port = 65'536}).error().message,
            "invalid primaryPort: must be between 1 and 65535, got 65536");
  EXPECT_FALSE(DataParallelParams::check({.primary_port = -1}));
}

struct PdRig {
  Scene scene{{{.name = "d"}, {.name = "p"}}};
  NamedPlugins plugins;
  std::shared_ptr<PdProfileHandler> handler;

  explicit PdRig(PdProfileParams params = {}) {
    if (params.decider == "prefix-based-pd-decider") params.decider = "always";
    plugins.all["always"].decider = make<AlwaysDisaggregateDecider>({}, scene.table);
    plugins.all["never"].decider = make<PrefixDecider>(
        {.non_cached_tokens = 0, .prompt_tokens = 0, .producer = ""}, scene.table);
    handler = make<PdProfileHandler>(params, scene.table);
    EXPECT_TRUE(handler->link(plugins));
    scene.begin();
  }
};

TEST(PdProfileHandler, RunsPrefillWhenTheDeciderSaysYes) {
  PdRig rig;
  HandlerRig run(rig.scene, {{"prefill", {{1}}}, {"decode", {{0}}}});
  EXPECT_EQ(run.run(*rig.handler), 1U);
  EXPECT_EQ(run.order(), "decode prefill");
  HookRig hook(rig.scene);
  hook.dispatch(*rig.handler, run.decision(1));
  EXPECT_EQ(hook.samples.all()[0].kind, "prefill-decode");
  EXPECT_TRUE(hook.edits.lines().empty()) << "headers are disagg-headers-handler's";
}

TEST(PdProfileHandler, OnlyDecodesWhenTheDeciderSaysNo) {
  PdProfileParams params;
  params.decider = "never";
  params.primary_port = 9000;
  PdRig rig(params);
  HandlerRig run(rig.scene, {{"prefill", {{1}}}, {"decode", {{0}}}, {"other", {{0}}}});
  EXPECT_EQ(run.run(*rig.handler), 1U);
  EXPECT_EQ(run.order(), "decode");
  EXPECT_EQ(rig.handler->target_port(), 9000);
  HookRig hook(rig.scene);
  hook.dispatch(*rig.handler, run.decision(1));
  EXPECT_EQ(hook.header("x-data-parallel-host-port"), "10.0.0.1:8000");
  EXPECT_EQ(hook.samples.all()[0].kind, "decode-only");
}

TEST(PdProfileHandler, EndsWithMoreThanTwoProfilesAndWithoutDecode) {
  PdRig rig;
  HandlerRig three(rig.scene, {{"decode", {{0}}}, {"prefill", {{1}}}, {"third", {{0}}}});
  EXPECT_EQ(three.run(*rig.handler), 0U);
  EXPECT_EQ(three.order(), "decode prefill");
  HandlerRig none(rig.scene, {{"prefill", {{1}}}});
  EXPECT_EQ(none.run(*rig.handler).error().message, "failed to find available decode workers");
}

TEST(PdProfileHandler, NeedsItsDecider) {
  Scene scene({{.name = "d"}});
  const NamedPlugins nobody;
  const auto linked = make<PdProfileHandler>({}, scene.table)->link(nobody);
  ASSERT_FALSE(linked);
  EXPECT_TRUE(
      linked.error().message.starts_with("decider plugin not found: prefix-based-pd-decider"));
  PdProfileParams params;
  params.decider.clear();
  EXPECT_EQ(PdProfileParams::check(params).error().message, "decider plugin name is not defined");
}

TEST(DisaggHeadersHandler, NamesThePrefillServer) {
  Scene scene({{.name = "d"}, {.name = "p"}});
  const auto hook = make<DisaggHeadersHandler>({}, scene.table);
  PdRig rig;
  HandlerRig run(rig.scene, {{"prefill", {{1}}}, {"decode", {{0}}}});
  ASSERT_EQ(run.run(*rig.handler), 1U);
  HookRig edits(rig.scene);
  edits.dispatch(*hook, run.decision(1));
  EXPECT_EQ(edits.header("x-prefiller-host-port"), "10.0.0.2:8000");
  EXPECT_TRUE(edits.removed("x-encoder-hosts-ports"));
}

}  // namespace
}  // namespace pointsman
