#include "pointsman/plugins/handlers/disagg_profile.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/config/yaml.h"
#include "pointsman/plugins/handlers/deciders.h"
#include "pointsman/plugins/handlers/testing/handler_rig.h"

namespace pointsman {
namespace {

using testing::HandlerRig;
using testing::HookRig;
using testing::make;
using testing::NamedPlugins;
using testing::Scene;

// Answers as it is told and remembers which endpoint it was asked about.
struct FixedDecider final : Decider {
  bool yes = true;
  mutable int asked = 0;
  mutable EndpointIndex about = 99;
  bool disaggregate(const Context& /*context*/, EndpointIndex endpoint) const override {
    ++asked;
    about = endpoint;
    return yes;
  }
};

struct Rig {
  Scene scene{{{.name = "d0"}, {.name = "d1"}, {.name = "p0"}, {.name = "e0"}, {.name = "e1"}}};
  std::shared_ptr<FixedDecider> prefill = std::make_shared<FixedDecider>();
  std::shared_ptr<FixedDecider> encode = std::make_shared<FixedDecider>();
  NamedPlugins plugins;
  std::shared_ptr<DisaggProfileHandler> handler;

  explicit Rig(const DisaggParams& params = both()) {
    plugins.all["prefill?"].decider = prefill;
    plugins.all["encode?"].decider = encode;
    plugins.all["not-a-decider"] = {};
    handler = make<DisaggProfileHandler>(params, scene.table);
    EXPECT_TRUE(handler->link(plugins));
    scene.request.id = "r";
    scene.request.target_model = "m";
    scene.begin();
  }

  static DisaggParams both() {
    DisaggParams params;
    params.deciders = {"prefill?", "encode?"};
    return params;
  }
  static DisaggParams prefill_first() {
    DisaggParams params;
    params.prefill_first = true;
    params.deciders.encode = "encode?";
    return params;
  }
};

const HandlerRig::Profile kDecode{"decode", {{0, 1}}};
const HandlerRig::Profile kPrefill{"prefill", {{2}}};
const HandlerRig::Profile kEncode{"encode", {{3, 4}}};

TEST(DisaggProfileHandler, RunsAllStagesDecodeFirstWhenTheDecidersSayYes) {
  Rig rig;
  HandlerRig run(rig.scene, {kDecode, kEncode, kPrefill});
  EXPECT_EQ(run.run(*rig.handler), 0U);
  EXPECT_EQ(run.order(), "decode encode prefill");
  EXPECT_EQ(rig.prefill->about, 0U) << "it is asked about the first decode endpoint";
  EXPECT_EQ(rig.encode->about, 0U);
  EXPECT_EQ(run.rounds[0].peer, kNoEndpoint);
  EXPECT_EQ(run.rounds[1].peer, kNoEndpoint);
  EXPECT_EQ(run.rounds[2].peer, 0U) << "prefill should be near the decode server";
}

TEST(DisaggProfileHandler, AsksEachDeciderOnce) {
  Rig rig;
  rig.prefill->yes = rig.encode->yes = false;
  HandlerRig run(rig.scene, {kDecode, kPrefill, kEncode});
  EXPECT_EQ(run.run(*rig.handler), 0U);
  EXPECT_EQ(run.order(), "decode");
  EXPECT_EQ(rig.prefill->asked, 1);
  EXPECT_EQ(rig.encode->asked, 1);
}

TEST(DisaggProfileHandler, WithoutDecidersOnlyDecodes) {
  Rig rig{DisaggParams{}};
  HandlerRig run(rig.scene, {kDecode, kPrefill, kEncode});
  EXPECT_EQ(run.run(*rig.handler), 0U);
  EXPECT_EQ(run.order(), "decode");
}

TEST(DisaggProfileHandler, FallsBackToDecodeWhenNoPrefillServerIsFound) {
  Rig rig;
  HandlerRig run(rig.scene, {kDecode, {"prefill", {}}, {"encode", {}}});
  run.profiles[1].targets.reset();
  run.profiles[2].targets.reset();
  EXPECT_EQ(run.run(*rig.handler), 0U);
  HookRig hook(rig.scene);
  hook.dispatch(*rig.handler, run.decision(0));
  EXPECT_EQ(hook.header("x-prefiller-host-port"), "");
  EXPECT_EQ(hook.samples.all()[0].kind, "decode-only");
}

TEST(DisaggProfileHandler, FailsWhenDecodeFindsNobody) {
  Rig rig;
  HandlerRig run(rig.scene, {kPrefill, {"decode", {}}});
  run.profiles[1].targets.reset();
  const auto primary = run.run(*rig.handler);
  ASSERT_FALSE(primary);
  EXPECT_EQ(primary.error().message, "failed to find available decode workers");
  EXPECT_EQ(run.order(), "decode");
}

TEST(DisaggProfileHandler, StopsWithoutADecodeProfile) {
  Rig rig;
  HandlerRig run(rig.scene, {kPrefill});
  EXPECT_FALSE(run.run(*rig.handler));
  EXPECT_EQ(run.order(), "");
}

TEST(DisaggProfileHandler, PrefillFirstRunsPrefillUnaskedAndDecodeNearIt) {
  Rig rig{Rig::prefill_first()};
  HandlerRig run(rig.scene, {kDecode, kPrefill, kEncode});
  EXPECT_EQ(run.run(*rig.handler), 0U);
  EXPECT_EQ(run.order(), "prefill encode decode");
  EXPECT_EQ(rig.encode->about, kNoEndpoint);
  EXPECT_EQ(rig.prefill->asked, 0);
  EXPECT_EQ(run.rounds[2].peer, 2U);
}

TEST(DisaggProfileHandler, PrefillFirstGoesOnWhenPrefillFails) {
  Rig rig{Rig::prefill_first()};
  rig.encode->yes = false;
  HandlerRig run(rig.scene, {kDecode, {"prefill", {}}, kEncode});
  run.profiles[1].targets.reset();
  EXPECT_EQ(run.run(*rig.handler), 0U);
  EXPECT_EQ(run.order(), "prefill decode");
}

TEST(DisaggProfileHandler, TellsTheSidecarTheStages) {
  Rig rig;
  HandlerRig run(rig.scene, {kDecode, kPrefill, kEncode});
  ASSERT_EQ(run.run(*rig.handler), 0U);
  HookRig hook(rig.scene);
  hook.dispatch(*rig.handler, run.decision(0));
  EXPECT_EQ(hook.header("x-prefiller-host-port"), "10.0.0.3:8000");
  EXPECT_EQ(hook.header("x-encoder-hosts-ports"), "10.0.0.4:8000,10.0.0.5:8000");
  ASSERT_EQ(hook.samples.all().size(), 1U);
  EXPECT_EQ(hook.samples.all()[0].family, "disagg_decision_total");
  EXPECT_EQ(hook.samples.all()[0].kind, "encode-prefill-decode");
}

TEST(DisaggProfileHandler, RemovesWhatAClientSentUnderTheseNames) {
  Rig rig{DisaggParams{}};
  HandlerRig run(rig.scene, {kDecode, kPrefill});
  ASSERT_EQ(run.run(*rig.handler), 0U);
  HookRig hook(rig.scene);
  hook.dispatch(*rig.handler, run.decision(0));
  EXPECT_TRUE(hook.removed("x-prefiller-host-port"));
  EXPECT_TRUE(hook.removed("x-encoder-hosts-ports"));
}

TEST(DisaggProfileHandler, TakesProfilesByTheNamesItIsGiven) {
  DisaggParams params = Rig::both();
  params.profiles = {"D", "P", "E"};
  Rig rig{params};
  HandlerRig run(rig.scene, {{"P", {{2}}}, {"D", {{0}}}});
  EXPECT_EQ(run.run(*rig.handler), 1U);
  EXPECT_EQ(run.order(), "D P");
}

TEST(DisaggProfileHandler, NeedsDecidersThatExistAndDecide) {
  Rig rig;
  DisaggParams params;
  params.deciders.prefill = "nobody";
  auto linked = make<DisaggProfileHandler>(params, rig.scene.table)->link(rig.plugins);
  ASSERT_FALSE(linked);
  EXPECT_EQ(linked.error().message, "deciders.prefill plugin not found: nobody");
  params.deciders = {"", "not-a-decider"};
  linked = make<DisaggProfileHandler>(params, rig.scene.table)->link(rig.plugins);
  ASSERT_FALSE(linked);
  EXPECT_EQ(linked.error().message, "plugin not-a-decider does not implement encodeDeciderPlugin");
}

TEST(DisaggProfileHandler, NamesItsDecisions) {
  EXPECT_EQ(decision_type(true, true), "encode-prefill-decode");
  EXPECT_EQ(decision_type(true, false), "encode-decode");
  EXPECT_EQ(decision_type(false, true), "prefill-decode");
  EXPECT_EQ(decision_type(false, false), "decode-only");
}

Result<DisaggParams> read(std::string_view yaml) {
  const auto document = read_yaml(yaml);
  EXPECT_TRUE(document) << yaml;
  return DisaggParams::read({.node = &document->root});
}

TEST(DisaggParams, AreReadInTheirForm) {
  const auto params =
      read("{stageOrder: Prefill_First, profiles: {decode: d}, deciders: {encode: x}}");
  ASSERT_TRUE(params);
  EXPECT_TRUE(params->prefill_first);
  EXPECT_EQ(params->profiles.decode, "d");
  EXPECT_EQ(params->profiles.prefill, "prefill");
  EXPECT_EQ(params->deciders.encode, "x");
}

TEST(DisaggParams, AreReadInTheFlatFormOfEarlierReleases) {
  const auto params = read("{decodeProfile: d, deciderPluginName: x, encodeDeciderPluginName: z}");
  ASSERT_TRUE(params) << params.error().message;
  EXPECT_EQ(params->profiles.decode, "d");
  EXPECT_EQ(params->deciders.prefill, "x");
  EXPECT_EQ(params->deciders.encode, "z");
}

TEST(DisaggParams, MayNotMixTheForms) {
  const auto params = read("{decodeProfile: d, deciders: {prefill: x}}");
  ASSERT_FALSE(params);
  EXPECT_TRUE(params.error().message.starts_with(
      "failed to parse parameters of the disagg-profile-handler: nested schema error: "))
      << params.error().message;
  EXPECT_NE(params.error().message.find("; legacy schema error: "), std::string::npos);
}

TEST(DisaggParams, RefuseWhatCannotWork) {
  EXPECT_EQ(read("{stageOrder: sideways}").error().message,
            "invalid stage order \"sideways\", must be \"decode-first\" or \"prefill-first\"");
  EXPECT_EQ(read("{stageOrder: prefill, deciders: {prefill: x}}").error().message,
            "prefill decider is not supported in prefill-first stage order");
}

}  // namespace
}  // namespace pointsman
