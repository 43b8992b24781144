// The vectors of spec/01 section 8.1 with the real plugins, and what a decision may allocate.

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/app/testing/bench_scene.h"
#include "pointsman/base/testing/allocations.h"

namespace pointsman {
namespace {

using testing::allocations;
using testing::BenchScene;

using Ranking = std::vector<std::pair<std::string, double>>;

// The best five, by total and then by endpoint id.
Ranking best_five(const BenchScene& bench) {
  const Decision& d = bench.decision;
  const auto& run = d.runs.at(0);
  Ranking all;
  for (std::size_t i = 0; i < run.candidates; ++i) {
    all.emplace_back(bench.scene.fleet[d.candidates_of(run)[i]].id, d.totals_of(run)[i]);
  }
  std::ranges::stable_sort(all, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  all.resize(std::min<std::size_t>(all.size(), 5));
  return all;
}

void expect_ranking(std::size_t n, const Ranking& want) {
  BenchScene bench(n);
  Trace off;
  ASSERT_TRUE(bench.schedule(off));
  const Ranking got = best_five(bench);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].first, want[i].first);
    EXPECT_DOUBLE_EQ(got[i].second, want[i].second);
  }
  EXPECT_EQ(bench.scene.fleet[bench.decision.targets()[0]].id, "/pod0");
}

TEST(ScheduleVectors, V1_PicksTheServerThatHasTheAdapter) {
  BenchScene bench(0);
  bench.scene.fleet = testing::fleet_of({
      {.name = "pod1",
       .waiting = 0,
       .kv_usage = 0.2,
       .adapters = {.active = {"foo", "bar"}, .waiting = {}, .room = 2}},
      {.name = "pod2",
       .waiting = 0,
       .kv_usage = 0.2,
       .adapters = {.active = {"foo", "critical"}, .waiting = {}, .room = 2}},
      {.name = "pod3",
       .waiting = 10,
       .kv_usage = 0.8,
       .adapters = {.active = {"foo"}, .waiting = {}, .room = 2}},
  });
  bench.candidates = bench.scene.all();
  Trace off;
  ASSERT_TRUE(bench.schedule(off));
  const auto totals = bench.decision.totals_of(bench.decision.runs[0]);
  EXPECT_DOUBLE_EQ(totals[0], 1.8);
  EXPECT_DOUBLE_EQ(totals[1], 2.8);
  EXPECT_DOUBLE_EQ(totals[2], 1.0);
  EXPECT_EQ(bench.decision.targets()[0], 1U);
  EXPECT_EQ(bench.decision.plan->profiles[0].name, "default");

  bench.candidates.clear();
  EXPECT_FALSE(bench.schedule(off));
}

TEST(ScheduleVectors, V2_RanksTheBenchmarksEndpoints) {
  expect_ranking(
      5, {{"/pod0", 3.0}, {"/pod1", 2.45}, {"/pod2", 2.1}, {"/pod3", 1.95}, {"/pod4", 1.4}});
  expect_ranking(25, {{"/pod0", 3.0},
                      {"/pod24", 2.6},
                      {"/pod1", 2.557142857142857},
                      {"/pod10", 2.5142857142857142},
                      {"/pod2", 2.314285714285714}});
  expect_ranking(100, {{"/pod0", 3.0},
                       {"/pod40", 2.8},
                       {"/pod72", 2.8},
                       {"/pod80", 2.8},
                       {"/pod81", 2.757142857142857}});
}

// Heap allocations of the calling thread over 1,000 schedule calls in steady state.
template <typename MakeTrace, typename Finish>
std::uint64_t allocated(BenchScene& bench, MakeTrace make_trace, Finish finish) {
  std::uint64_t sum = 0;
  for (int i = 0; i < 2'000; ++i) {
    Trace trace = make_trace();
    const std::uint64_t before = allocations();
    const bool scheduled = bench.schedule(trace).has_value();
    if (i >= 1'000) sum += allocations() - before;  // by then buffers have grown, series exist
    EXPECT_TRUE(scheduled);
    finish(trace);
  }
  return sum;
}

SpanContext some_context(std::uint8_t flags) {
  SpanContext context{.flags = flags};
  context.trace_id.fill(1);
  context.span_id.fill(2);
  return context;
}

TEST(ScheduleAllocations, AreCounted) {
  const std::uint64_t before = allocations();
  const auto some = std::make_unique<int>(3);
  EXPECT_EQ(allocations() - before, 1U);
}

TEST(ScheduleAllocations, AreNoneWithTracingOff) {
  for (const std::size_t n : {1U, 5U, 100U, 4096U}) {
    BenchScene bench(n);
    EXPECT_EQ(allocated(bench, [] { return Trace(); }, [](Trace&) {}), 0U) << n;
  }
}

TEST(ScheduleAllocations, AreNoneWhenNotSampled) {
  BenchScene bench(100);
  EXPECT_EQ(allocated(bench, [] { return Trace(some_context(0)); }, [](Trace&) {}), 0U);
}

TEST(ScheduleAllocations, AreNoneOnTheRequestsThreadWhenSampled) {
  BenchScene bench(100);
  auto buffer = std::make_unique<TraceBuffer>();
  std::uint64_t spans = 0;
  EXPECT_EQ(allocated(
                bench, [&] { return Trace(some_context(1), {}, std::move(buffer), 5); },
                [&](Trace& trace) {
                  buffer = trace.release();
                  spans += buffer->spans().size();
                }),
            0U);
  EXPECT_EQ(spans, 2'000U * 8);  // the profile, filters, scoring, 4 scorers, the picker
}

}  // namespace
}  // namespace pointsman
