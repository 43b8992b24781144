// A request that goes to another endpoint than the pick, and endpoints that are left out.

#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/engine/candidates.h"
#include "pointsman/engine/testing/pipeline_rig.h"

namespace pointsman {
namespace {

using testing::PipelineRig;

struct FakeGate final : EndpointGate {
  explicit FakeGate(DropReason why = DropReason::ejected) : why_(why) {}

  std::set<std::uint32_t> shut;  // keys

  DropReason reason() const override { return why_; }
  bool any(Clock::time_point /*now*/) const override { return !shut.empty(); }
  bool closed(EndpointKey endpoint, Clock::time_point /*now*/) const override {
    return shut.contains(endpoint.value);
  }

 private:
  DropReason why_;
};

TEST(Reroute, ToPluginsTheFirstTryIsOverAndAnotherBegins) {
  PipelineRig rig(3);
  auto& hook = rig.add_hook("h");
  std::vector<EndpointIndex> sent_to;
  hook.during = [&](const Decision& decision, Effects&) {
    sent_to.push_back(decision.targets()[0]);
  };
  ASSERT_TRUE(rig.run());
  const EndpointIndex picked = rig.session.decision->targets()[0];
  const EndpointIndex other = picked == 0 ? 1 : 0;
  rig.pipeline().rerouted(rig.session, other, rig.worker);
  EXPECT_EQ(hook.told, "dfd");
  EXPECT_EQ(sent_to, (std::vector<EndpointIndex>{picked, other}));
  EXPECT_EQ(rig.session.in_effect().targets()[0], other);
  EXPECT_EQ(rig.session.decision->targets()[0], picked);  // the record tells what was decided
  rig.respond(200, "application/json", {"{}"});
  rig.finish();
  EXPECT_EQ(hook.told, "dfdabf");
}

TEST(Reroute, TheNextRequestStartsAfresh) {
  PipelineRig rig;
  ASSERT_TRUE(rig.run());
  rig.pipeline().rerouted(rig.session, 0, rig.worker);
  rig.finish();
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(&rig.session.in_effect(), rig.session.decision.get());
}

TEST(Gate, LeavesAnEndpointOutAndSaysSo) {
  PipelineRig rig(3);
  FakeGate gate;
  rig.options.gates = {&gate};
  gate.shut = {(*rig.worker.fleet.get())[1].key.value};
  ASSERT_TRUE(rig.run());
  const Decision& decision = *rig.session.decision;
  ASSERT_EQ(decision.drops.size(), 1U);
  EXPECT_EQ(decision.drops[0].endpoint, 1U);
  EXPECT_EQ(decision.drops[0].reason, DropReason::ejected);
  for (int i = 0; i < 20; ++i) {
    const auto any = rig.pipeline().any_endpoint(rig.session, *decision.fleet, rig.worker);
    EXPECT_NE(any.value(), 1U);
  }
}

TEST(Gate, NeverLeavesOutAll) {
  PipelineRig rig(2);
  FakeGate gate;
  rig.options.gates = {&gate};
  for (const Endpoint& endpoint : rig.worker.fleet.get()->endpoints()) {
    gate.shut.insert(endpoint.key.value);
  }
  ASSERT_TRUE(rig.run());
  EXPECT_TRUE(rig.session.decision->drops.empty());
  EXPECT_TRUE(rig.pipeline().any_endpoint(rig.session, *rig.worker.fleet.get(), rig.worker));
}

// One endpoint fails and the last one is busy.
struct TwoGates : PipelineRig {
  FakeGate failing{DropReason::ejected};
  FakeGate busy{DropReason::full};

  explicit TwoGates(std::size_t servers) : PipelineRig(servers) {
    options.gates = {&failing, &busy};
    const auto& endpoints = worker.fleet.get()->endpoints();
    failing.shut = {endpoints.front().key.value};
    busy.shut = {endpoints.back().key.value};
  }
};

TEST(Gate, EachOfSeveralGivesItsOwnReason) {
  TwoGates rig(3);
  ASSERT_TRUE(rig.run());
  const Decision& decision = *rig.session.decision;
  ASSERT_EQ(decision.drops.size(), 2U);
  EXPECT_EQ(decision.drops[0].reason, DropReason::ejected);
  EXPECT_EQ(decision.drops[1].reason, DropReason::full);
  EXPECT_EQ(decision.targets()[0], 1U);
}

TEST(Gate, WhoFailsStaysOutWhenTheOthersAreFull) {
  TwoGates rig(2);
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.session.decision->targets()[0], 1U);
}

TEST(AnyEndpoint, PassesOverThoseThatWereTried) {
  PipelineRig rig(2);
  ASSERT_TRUE(rig.run());
  const Fleet& fleet = *rig.worker.fleet.get();
  const std::vector<EndpointIndex> first{0};
  EXPECT_EQ(rig.pipeline().any_endpoint(rig.session, fleet, rig.worker, first).value(), 1U);
  const std::vector<EndpointIndex> both{0, 1};
  EXPECT_FALSE(rig.pipeline().any_endpoint(rig.session, fleet, rig.worker, both));
}

TEST(ByModel, AnUnknownModelIsRefusedWhenAllHaveTold) {
  PipelineRig rig(2);
  rig.options.by_model = true;
  auto table = std::make_shared<ModelTable>();
  table->models = {{.name = "m", .card = {}, .served = {0, 1}}};
  table->known = {1, 1};
  Fleet fleet = *rig.worker.fleet.get();
  fleet.set_models(table);
  rig.fleets.publish(std::move(fleet));
  ASSERT_TRUE(rig.run("m"));
  EXPECT_EQ(rig.session.decision->targets()[0], 1U);
  const auto refused = rig.run("other");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().drop_reason, kModelNotFound);
}

}  // namespace
}  // namespace pointsman
