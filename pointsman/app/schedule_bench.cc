// BenchmarkSchedule of spec/01 section 7: one whole Schedule call, metrics on. Every run first
// checks its answer against vector V2, and the loads change between iterations.

#include <cstdint>
#include <memory>

#include <benchmark/benchmark.h>

#include "pointsman/app/testing/bench_scene.h"
#include "pointsman/base/testing/allocations.h"

namespace pointsman {
namespace {

using testing::BenchScene;

SpanContext context_with(std::uint8_t flags) {
  SpanContext context{.flags = flags};
  context.trace_id.fill(1);
  context.span_id.fill(2);
  return context;
}

// Every so many endpoints the loads of the scene repeat: 8 queues, 10 caches, an adapter on each
// third.
constexpr EndpointIndex kPeriod = 120;

// Whether the scene gives the published answer. The totals of V2 hold for the untouched loads; of
// endpoints that are alike any may be picked.
bool right(BenchScene& bench) {
  Trace off;
  if (!bench.schedule(off)) return false;
  const Decision& d = bench.decision;
  const EndpointIndex picked = d.targets()[0];
  return picked % kPeriod == 0 && d.totals_of(d.runs[0])[picked] == 3.0;
}

// Every iteration sees another queue at one endpoint that is never the best.
void change_loads(BenchScene& bench, std::uint64_t i) {
  const auto e = static_cast<EndpointIndex>(1 + i % (bench.scene.fleet.size() - 1));
  bench.scene.fleet.set(e, Load::waiting, static_cast<double>(1 + i % 7), bench.scene.now);
}

enum class Tracing { off, not_sampled, sampled };

void schedule(benchmark::State& state, Tracing tracing) {
  BenchScene bench(static_cast<std::size_t>(state.range(0)));
  if (!right(bench)) {
    state.SkipWithError("wrong answer");
    return;
  }
  auto buffer = std::make_unique<TraceBuffer>();
  std::uint64_t i = 0;
  const std::uint64_t before = testing::allocations();
  for (auto _ : state) {
    change_loads(bench, ++i);
    Trace trace = tracing == Tracing::sampled ? Trace(context_with(1), {}, std::move(buffer), i)
                  : tracing == Tracing::not_sampled ? Trace(context_with(0))
                                                    : Trace();
    if (!bench.schedule(trace)) {
      state.SkipWithError("failed");
      break;
    }
    if (tracing == Tracing::sampled) buffer = trace.release();
    benchmark::DoNotOptimize(bench.decision.picks.data());
  }
  state.counters["allocs"] = benchmark::Counter(
      static_cast<double>(testing::allocations() - before), benchmark::Counter::kAvgIterations);
}

void tracing_off(benchmark::State& state) {
  schedule(state, Tracing::off);
}
void not_sampled(benchmark::State& state) {
  schedule(state, Tracing::not_sampled);
}
void sampled(benchmark::State& state) {
  schedule(state, Tracing::sampled);
}

BENCHMARK(tracing_off)->Name("Schedule")->Arg(5)->Arg(25)->Arg(100)->Arg(1000)->Arg(4096);
BENCHMARK(not_sampled)->Name("ScheduleNotSampled")->Arg(5)->Arg(25)->Arg(100);
BENCHMARK(sampled)->Name("ScheduleSampled")->Arg(5)->Arg(25)->Arg(100);

}  // namespace
}  // namespace pointsman
