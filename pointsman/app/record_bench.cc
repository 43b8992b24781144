// What recording adds to a decision, and how fast records are read, replayed and judged.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "pointsman/app/replay.h"
#include "pointsman/app/testing/recording.h"
#include "pointsman/app/whatif.h"
#include "pointsman/base/testing/allocations.h"

namespace pointsman {
namespace {

using testing::Recording;
using testing::TemporaryFolder;

// Takes decisions and lets go of them at once: what the request's thread pays for handing over.
class NullSink final : public DecisionSink {
 public:
  bool wants_inputs() const override { return true; }
  void kept(const std::shared_ptr<Decision>& decision) override { push({.decision = decision}); }
  void ended(const std::shared_ptr<Decision>& decision, const Outcome& outcome) override {
    push({.decision = decision, .outcome = outcome});
  }
  void drain() {
    while (queue_.pop()) {
    }
  }

 private:
  struct Item {
    std::shared_ptr<Decision> decision;
    Outcome outcome;
  };
  void push(Item item) { (void)queue_.push(item); }
  BoundedQueue<Item> queue_{8192};
};

void decide(benchmark::State& state, bool record) {
  Recording recording("", static_cast<std::size_t>(state.range(0)));
  DecisionRing ring;
  NullSink sink;
  if (record) ring.attach(sink);
  std::uint64_t i = 1;  // odd numbers bring no new fleet
  const auto once = [&] {
    const auto decision = ring.fresh();
    recording.decide(i += 2, record, *decision);
    ring.keep(decision);
    ring.join(decision, {.end = Outcome::End::finished, .status = 200});
  };
  for (int warm = 0; warm < 2000; ++warm) {
    once();
    sink.drain();
  }
  const std::uint64_t before = testing::allocations();
  for (auto _ : state) {
    once();
    if (i % 64 == 1) {
      state.PauseTiming();
      sink.drain();
      state.ResumeTiming();
    }
  }
  state.counters["allocs"] = benchmark::Counter(
      static_cast<double>(testing::allocations() - before), benchmark::Counter::kAvgIterations);
}

void kept(benchmark::State& state) {
  decide(state, false);
}
void handed_over(benchmark::State& state) {
  decide(state, true);
}
BENCHMARK(kept)->Name("DecideAndKeep")->Arg(16)->Arg(100);
BENCHMARK(handed_over)->Name("DecideKeepAndHandOver")->Arg(16)->Arg(100);

// The writer's side: one decision into a frame.
void encode(benchmark::State& state) {
  Recording recording("", static_cast<std::size_t>(state.range(0)));
  Decision decision;
  recording.decide(1, true, decision);
  RecordedDecision hashes;
  std::string frame;
  for (auto _ : state) {
    frame.clear();
    encode_decision(decision, 0, 0, hashes, frame);
    benchmark::DoNotOptimize(frame.data());
  }
  state.counters["bytes"] = static_cast<double>(frame.size());
}
BENCHMARK(encode)->Name("EncodeDecision")->Arg(16)->Arg(100);

constexpr std::size_t kRecorded = 20'000;

void replayed(benchmark::State& state) {
  const TemporaryFolder folder;
  Recording("", static_cast<std::size_t>(state.range(0))).record(folder.path(), kRecorded);
  for (auto _ : state) {
    const auto report = replay({.paths = {folder.path()}, .config_file = {}, .threads = 1});
    if (!report || report->identical != kRecorded) state.SkipWithError("not identical");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(kRecorded) * state.iterations());
}
BENCHMARK(replayed)->Name("Replay")->Arg(16)->Arg(100)->Unit(benchmark::kMillisecond);

void judged(benchmark::State& state) {
  const TemporaryFolder folder;
  Recording("", static_cast<std::size_t>(state.range(0))).record(folder.path(), kRecorded);
  folder.write("other.yaml", "plugins:\n- type: queue-scorer\n- type: prefix-cache-scorer\n");
  for (auto _ : state) {
    const auto report =
        what_if({.paths = {folder.path()}, .config_file = folder.path("other.yaml")});
    if (!report || report->judged != kRecorded) state.SkipWithError("not judged");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(kRecorded) * state.iterations());
}
BENCHMARK(judged)->Name("WhatIf")->Arg(16)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pointsman
