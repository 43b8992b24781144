#include <chrono>
#include <string>

#include <benchmark/benchmark.h>

#include "pointsman/telemetry/metrics.h"

namespace pointsman {
namespace {

// What one decision pays: a kept histogram, and a counter found by its five labels.

void metric_observe(benchmark::State& state) {
  Metrics metrics;
  MetricShard& shard = metrics.add_shard();
  const Histogram series = metrics.series(metric::kPluginDuration, "Scorer", "queue-scorer", "q");
  std::chrono::nanoseconds elapsed(300);
  for (auto _ : state) {
    shard.observe(series, elapsed);
    elapsed = std::chrono::nanoseconds(300 + (elapsed.count() * 7) % 1000);
  }
}
BENCHMARK(metric_observe)->Name("MetricObserve");

void metric_find(benchmark::State& state) {
  Metrics metrics;
  MetricShard& shard = metrics.add_shard();
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("vllm-llama3-8b-instruct-" + std::to_string(i));
  const std::string model = "meta-llama/Llama-3.1-8B";
  std::size_t next = 0;
  for (auto _ : state) {
    shard.add(
        shard.with(metric::kSchedulerAttempts, "success", model, names[next], "default", "8000"));
    next = (next + 37) % names.size();
  }
}
BENCHMARK(metric_find)->Name("MetricFindByFiveLabels");

void metric_expose(benchmark::State& state) {
  Metrics metrics;
  MetricShard& shard = metrics.add_shard();
  for (int i = 0; i < state.range(0); ++i) {
    shard.observe(metrics.series(metric::kPluginDuration, "Scorer", "t", std::to_string(i)), 1.0);
  }
  for (auto _ : state) benchmark::DoNotOptimize(metrics.expose());
}
BENCHMARK(metric_expose)->Name("MetricExpose")->Arg(100);

}  // namespace
}  // namespace pointsman
