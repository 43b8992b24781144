#include "pointsman/engine/span_attributes.h"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/stage/testing/scene.h"

namespace pointsman {
namespace {

// A decision among `n` endpoints with two scorers.
Decision decision_of(std::size_t n) {
  std::vector<testing::Server> servers;
  for (std::size_t i = 0; i < n; ++i) servers.push_back({.name = "pod-" + std::to_string(i)});
  Decision d;
  d.fleet = std::make_shared<const Fleet>(testing::fleet_of(servers));
  Plan plan;
  plan.profiles.push_back({.name = "default",
                           .filters = {},
                           .scorers = {{{"queue-scorer", "queue"}, 2.0, {}, ""},
                                       {{"prefix-cache-scorer", "prefix"}, 1.0, {}, ""}},
                           .picker = {"max-score-picker", "picker"}});
  d.plan = std::make_shared<const Plan>(std::move(plan));
  for (EndpointIndex e = 0; e < n; ++e) d.candidates.push_back(e);
  d.scores.resize(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    d.scores[i] = static_cast<double>(i) / static_cast<double>(n);
    d.scores[n + i] = i == 0 ? NAN : 0.5;
    d.totals.push_back(2 * d.scores[i] + (i == 0 ? 0.0 : 0.5));
  }
  d.runs = {{.candidates = static_cast<std::uint32_t>(n)}};
  return d;
}

std::string matrix(const Decision& d) {
  SpanContext context{.flags = 1};
  context.trace_id.fill(1);
  context.span_id.fill(2);
  Trace trace(context, {}, std::make_unique<TraceBuffer>(), 1);
  {
    auto scope = trace.enter("pick_endpoints", SpanScope::scheduling);
    set_matrix(scope, *d.fleet, d, d.runs[0]);
  }
  const SpanRecord& span = trace.buffer()->spans()[0];
  EXPECT_EQ(span.event, "pointsman.decision");
  EXPECT_EQ(span.event_key, "pointsman.decision.matrix");
  return std::string(span.event_text);
}

TEST(DecisionMatrix, HoldsScorersAndTheBestEndpointsFirst) {
  EXPECT_EQ(matrix(decision_of(2)), R"({"scorers":[["queue",2],["prefix",1]],)"
                                    R"("endpoints":[["/pod-1",1.5,0.5,0.5],["/pod-0",0,0,null]]})");
}

TEST(DecisionMatrix, StaysSmallAndWholeWhateverTheFleet) {
  const std::string text = matrix(decision_of(4000));
  EXPECT_LE(text.size(), 1500U);
  EXPECT_TRUE(text.ends_with("]]}")) << text;
  EXPECT_EQ(text.find("/pod-3999"), text.find("/pod-"));
}

TEST(DecisionMatrix, ListsEqualTotalsEachOnce) {
  Decision d = decision_of(3);
  for (double& total : d.totals) total = 1.0;
  const std::string text = matrix(d);
  EXPECT_LT(text.find("/pod-0"), text.find("/pod-1"));
  EXPECT_LT(text.find("/pod-1"), text.find("/pod-2"));
}

TEST(DecisionMatrix, CostsNothingWhenNobodyRecords) {
  const Decision d = decision_of(2);
  Trace off;
  auto scope = off.enter("pick_endpoints", SpanScope::scheduling);
  set_matrix(scope, *d.fleet, d, d.runs[0]);
  EXPECT_FALSE(scope.recording());
}

}  // namespace
}  // namespace pointsman
