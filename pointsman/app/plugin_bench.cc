// One call of each scorer for 100 endpoints, and what a long prompt costs before it is scheduled.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "pointsman/app/testing/lone_plugin.h"
#include "pointsman/app/testing/plugin_needs.h"
#include "pointsman/base/testing/allocations.h"

namespace pointsman {
namespace {

using testing::LonePlugin;

// A request before the producers of a configuration.
struct Prepared {
  LonePlugin router;
  std::shared_ptr<const Fleet> fleet;
  testing::Asked asked = testing::asked(1);
  BodyBuffer body;
  Arena arena;
  Request request;
  Signals signals;
  Trace trace;
  std::vector<EndpointIndex> candidates;

  Prepared(const std::string& config, std::size_t endpoints)
      : router(config, endpoints),
        fleet(
            std::make_shared<const Fleet>(testing::mixed_fleet(endpoints, testing::Loads::sound))),
        candidates(endpoints) {
    std::iota(candidates.begin(), candidates.end(), 0U);
  }

  const Assembly& assembly() const { return router.pipeline().assembly(); }
  Context context() { return {request, *fleet, signals, trace, Clock::now()}; }

  // Parses the request and runs the producers; false when one of them fails.
  bool produce() {
    arena.reset();
    request = {};
    request.headers = asked.headers;
    request.path = "/v1/chat/completions";
    const auto parser = assembly().parsers.resolve(request.path);
    if (!parser || !(*parser)->parse(body.view(), request, arena)) return false;
    request.target_model = request.model;
    signals.reset(arena, assembly().plugins->signals().size(), fleet->size());
    return std::ranges::all_of(assembly().producers, [this](const Instance* plugin) {
      return plugin->producer->produce(context(), candidates, signals).has_value();
    });
  }
};

void score(benchmark::State& state, const std::string& type) {
  Prepared prepared(testing::config_with(type), static_cast<std::size_t>(state.range(0)));
  if (!prepared.router.error().empty()) return state.SkipWithError(prepared.router.error().c_str());
  prepared.body.append(prepared.asked.body);
  if (!prepared.produce()) return state.SkipWithError("a producer failed");
  const Instance* const plugin = prepared.assembly().plugins->find(type);
  const Context context = prepared.context();
  std::vector<double> out(prepared.candidates.size(), kMissing);
  for (auto _ : state) {
    plugin->scorer->score(context, prepared.candidates, out);
    benchmark::DoNotOptimize(out.data());
  }
}

// A prompt of 100,000 tokens, from the bytes to the matches of 100 endpoints that have all served
// other conversations with the same beginning.
void match_long_prompt(benchmark::State& state) {
  Prepared prepared(testing::config_with("prefix-cache-scorer"),
                    static_cast<std::size_t>(state.range(0)));
  std::string text;
  while (text.size() < 400'000) text += "word" + std::to_string(text.size()) + " and more of it. ";
  prepared.asked.body = R"({"model":"m","messages":[{"role":"user","content":")" + text + "\"}]}";
  const auto client = prepared.router.client();
  for (std::int64_t i = 0; i < 2 * state.range(0); ++i) (void)client->ask(prepared.asked);
  prepared.body.append(prepared.asked.body);
  for (auto _ : state) {
    if (!prepared.produce()) return state.SkipWithError("a producer failed");
  }
  const auto place = prepared.assembly().plugins->signals().find(
      {"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"});
  const auto matches = prepared.signals.read(Column<PrefixMatch>{*place});
  const bool found = std::ranges::any_of(
      matches, [](const PrefixMatch& m) { return m.total > 1000 && m.match == m.total; });
  if (!found) state.SkipWithError("the prompt was not found");
  state.SetBytesProcessed(static_cast<std::int64_t>(prepared.body.size()) * state.iterations());
}

// Whole requests of several workers through one pipeline, each with sessions of its own: what the
// locks of a plugin's state cost shows as the difference to one worker, and to queue-scorer, which
// has none.
void share(benchmark::State& state, const std::string& type) {
  static std::unique_ptr<LonePlugin> shared;
  if (state.thread_index() == 0) shared = std::make_unique<LonePlugin>(testing::config_with(type));
  std::unique_ptr<testing::Client> client;
  std::vector<testing::Asked> requests;
  for (std::size_t i = 0; i < 8; ++i) requests.push_back(testing::asked(i));
  std::size_t i = 0;
  std::size_t decided = 0;
  for (auto _ : state) {  // the workers meet where it begins
    if (client == nullptr)
      client = shared->client(static_cast<std::uint64_t>(state.thread_index()));
    decided += client->ask(requests[i++ % 8]) ? 1U : 0U;
  }
  if (decided == 0) state.SkipWithError("nothing was decided");
}

BENCHMARK(match_long_prompt)->Name("MatchLongPrompt")->Arg(100)->Unit(benchmark::kMicrosecond);

const bool kRegistered = [] {
  const Registry registry = builtin_plugins();
  for (const Registration* line : registry.all()) {
    const std::string type(line->type);
    if (!type.ends_with("-scorer") && type != "context-length-aware") continue;
    benchmark::RegisterBenchmark(("Scorer/" + type).c_str(), [type](benchmark::State& state) {
      score(state, type);
    })->Arg(100);
  }
  for (const std::string type : {"queue-scorer", "no-hit-lru-scorer", "session-affinity-scorer",
                                 "mm-embeddings-cache-scorer", "inflight-load-producer"}) {
    benchmark::RegisterBenchmark(("Shared/" + type).c_str(), [type](benchmark::State& state) {
      share(state, type);
    })->ThreadRange(1, 4);
  }
  return true;
}();

}  // namespace
}  // namespace pointsman
