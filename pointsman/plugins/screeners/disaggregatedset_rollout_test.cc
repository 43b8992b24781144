#include "pointsman/plugins/screeners/disaggregatedset_rollout.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/config/yaml.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

using testing::Scene;
using testing::Server;

RolloutParams params(const std::string& mode = "sum",
                     std::vector<RolloutParams::HeaderSelector> selectors = {}) {
  return {.scope = {.selector = "set=mine"},
          .selectors = std::move(selectors),
          .gating = RolloutParams::Gating{
              .mode = mode, .roles = RolloutParams::Roles{.values = {"prefill", "decode"}}}};
}

Server pod(const std::string& name, const std::string& revision, const std::string& role,
           const std::string& set = "mine") {
  return {.name = name,
          .labels = {{"disaggregatedset.x-k8s.io/revision", revision},
                     {"disaggregatedset.x-k8s.io/role", role},
                     {"set", set},
                     {"tier", revision + "-tier"}}};
}

const std::vector<Server> kTwo{pod("p1", "v1", "prefill"), pod("d1", "v1", "decode"),
                               pod("p2", "v2", "prefill"), pod("d2", "v2", "decode")};
const RolloutParams::HeaderSelector kStrict{
    .name = "tier", .header = "x-tier", .label = "tier", .mode = "strict"};

// The names of those who stay.
std::vector<std::string> kept(const RolloutParams& params, const std::vector<Server>& servers,
                              std::uint64_t seed = 1, const std::vector<Header>& headers = {},
                              std::vector<std::string>* kinds = nullptr) {
  Scene scene(servers);
  const auto screener = testing::make<DisaggregatedSetRollout>(params, scene.table);
  scene.begin();
  scene.request.headers = headers;
  const auto all = scene.all();
  const auto stays = scene.arena.array<bool>(all.size());
  std::ranges::fill(stays, true);
  Samples samples;
  screener->screen(scene.context(), all, stays, Random(seed), samples);
  if (kinds != nullptr) {  // copied: the samples point into the plugin
    for (const auto& sample : samples.all()) kinds->emplace_back(sample.kind);
  }
  std::vector<EndpointIndex> left;
  for (const EndpointIndex e : all) {
    if (stays[e]) left.push_back(e);
  }
  return scene.names(left);
}

TEST(DisaggregatedSetRollout, KeepsARequestOnOneRevision) {
  std::map<std::vector<std::string>, int> seen;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) ++seen[kept(params(), kTwo, seed)];
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_NEAR((seen[{"p1", "d1"}]), 500, 60);
  EXPECT_NEAR((seen[{"p2", "d2"}]), 500, 60);
}

TEST(DisaggregatedSetRollout, LeavesOutRevisionsThatLackARole) {
  auto servers = kTwo;
  servers.pop_back();
  EXPECT_EQ(kept(params(), servers), (std::vector<std::string>{"p1", "d1"}));
  servers.push_back(pod("other", "v2", "decode", "theirs"));  // out of scope
  EXPECT_EQ(kept(params(), servers), (std::vector<std::string>{"p1", "d1"}));
}

TEST(DisaggregatedSetRollout, LeavesNobodyWhenNoRevisionIsWhole) {
  EXPECT_TRUE(kept(params(), {pod("p1", "v1", "prefill"), pod("p2", "v2", "prefill")}).empty());
  EXPECT_TRUE(kept(params(), {{.name = "bare"}}).empty());
}

TEST(DisaggregatedSetRollout, FollowsAStrictHeader) {
  const RolloutParams strict = params("sum", {kStrict});
  const auto with = [&](const std::string& tier, const std::vector<Server>& servers,
                        std::vector<std::string>* kinds = nullptr) {
    return kept(strict, servers, 3, {{"x-tier", tier}}, kinds);
  };
  EXPECT_EQ(with("v2-tier", kTwo), (std::vector<std::string>{"p2", "d2"}));
  EXPECT_EQ(with("v1-tier", kTwo), (std::vector<std::string>{"p1", "d1"}));
  std::vector<std::string> kinds;
  EXPECT_TRUE(with("v9-tier", kTwo, &kinds).empty());
  EXPECT_EQ(kinds, std::vector<std::string>{"tier"});
  // A revision that is not whole stays closed.
  auto servers = kTwo;
  servers.pop_back();
  EXPECT_TRUE(with("v2-tier", servers).empty());
}

TEST(DisaggregatedSetRollout, DoesNotGateWhenDisabled) {
  RolloutParams off = params("disabled", {kStrict});
  off.gating->roles.reset();
  EXPECT_EQ(kept(off, {{.name = "bare"}}).size(), 1U);
  EXPECT_EQ(kept(off, kTwo, 1, {{"x-tier", "v2-tier"}}), (std::vector<std::string>{"p2", "d2"}));
  off.selectors[0].mode = "prefer";
  EXPECT_EQ(kept(off, kTwo, 1, {{"x-tier", "v2-tier"}}).size(), 4U);
}

TEST(DisaggregatedSetRollout, CountsPodsRatherThanRanks) {
  auto servers = kTwo;
  Scene scene(servers);
  std::vector<Endpoint> endpoints = scene.fleet.endpoints();
  Endpoint rank = endpoints[0];
  rank.name = "p1-rank-1";
  rank.key = {9};
  endpoints.push_back(rank);
  const Fleet fleet(std::make_shared<const std::vector<Endpoint>>(std::move(endpoints)));
  const auto screener = testing::make<DisaggregatedSetRollout>(params(), scene.table);
  std::vector<GaugeReading> gauges;
  screener->gauges(fleet, gauges);
  ASSERT_EQ(gauges.size(), 2U);
  EXPECT_EQ(gauges[0].labels, (std::vector<std::string>{"sum", "v1"}));
  EXPECT_DOUBLE_EQ(gauges[0].value, 0.5);
}

TEST(DisaggregatedSetRollout, TellsTheClientTheLabelsOfItsEndpoint) {
  Scene scene(kTwo);
  const auto screener =
      testing::make<DisaggregatedSetRollout>(params("sum", {kStrict}), scene.table);
  scene.begin();
  Decision decision;
  decision.picks = {3};
  decision.runs.push_back({.picks = 1});
  decision.primary = 0;
  HeaderEdits headers;
  headers.reset(scene.arena);
  Samples samples;
  Effects effects{samples, headers};
  screener->answered(scene.context(), decision, {}, effects);
  ASSERT_EQ(headers.lines().size(), 1U);
  EXPECT_EQ(headers.lines()[0].name, "x-tier");
  EXPECT_EQ(headers.lines()[0].value, "v2-tier");
}

// Parameters as YAML; the error, or "none".
std::string problem(const std::string& yaml) {
  const auto document = read_yaml(yaml);
  const auto params = RolloutParams::read({.node = yaml.empty() ? nullptr : &document->root});
  return params ? "none" : params.error().message;
}

TEST(DisaggregatedSetRollout, SaysWhatIsWrongWithItsParameters) {
  const std::string scope = "scope: {labelSelector: a=b}\n";
  const std::string gating = "revisionGating: {mode: sum, requireRoles: {values: [a]}}\n";
  const auto selectors = [&](const std::string& list) {
    return problem(scope + gating + "headerSelectors: " + list);
  };
  EXPECT_EQ(problem(scope + gating), "none");
  EXPECT_EQ(problem(""), "disaggregatedset-rollout-screener requires parameters");
  EXPECT_EQ(problem(gating), "scope.labelSelector is required");
  EXPECT_TRUE(problem("scope: {labelSelector: 'a in'}\n" + gating)
                  .starts_with("scope.labelSelector is not a valid label selector: "));
  EXPECT_EQ(problem(scope), "revisionGating is required");
  EXPECT_EQ(problem(scope + "revisionGating: {mode: all}"),
            "revisionGating.mode \"all\" must be one of sum|max-role|disabled");
  EXPECT_EQ(problem(scope + "revisionGating: {mode: sum}"),
            "revisionGating.requireRoles is required when revisionGating.mode=sum");
  EXPECT_EQ(problem(scope + "revisionGating: {mode: disabled}"), "none");
  EXPECT_EQ(problem(scope + "revisionGating: {mode: sum, requireRoles: {}}"),
            "revisionGating.requireRoles.values must contain at least one role");
  EXPECT_EQ(problem(scope + "revisionGating: {mode: sum, requireRoles: {values: [a, '']}}"),
            "revisionGating.requireRoles.values[1] must not be empty");
  EXPECT_EQ(problem(scope + "revisionGating: {mode: sum, requireRoles: {values: [a, a]}}"),
            "revisionGating.requireRoles.values contains duplicate role \"a\"");
  EXPECT_EQ(selectors("[{}]"), "headerSelectors[0].name is required");
  EXPECT_EQ(selectors("[{name: a}]"), "headerSelectors[0].headerName is required");
  EXPECT_EQ(selectors("[{name: a, headerName: b}]"), "headerSelectors[0].labelKey is required");
  EXPECT_EQ(selectors("[{name: a, headerName: b, labelKey: c, mode: some}]"),
            "headerSelectors[0].mode \"some\" must be one of strict|prefer");
  const std::string good = "{name: a, headerName: B, labelKey: c, mode: strict}";
  EXPECT_EQ(selectors("[" + good + "]"), "none");
  EXPECT_EQ(selectors("[" + good + ", " + good + "]"), "headerSelectors: duplicate name \"a\"");
  EXPECT_EQ(selectors("[" + good + ", {name: d, headerName: b, labelKey: c, mode: strict}]"),
            "headerSelectors: duplicate headerName \"b\"");
  EXPECT_EQ(problem("nope: 1"),
            "decode disaggregatedset-rollout-screener parameters: json: unknown field \"nope\"");
}

}  // namespace
}  // namespace pointsman
