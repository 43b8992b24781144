#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "pointsman/base/random.h"
#include "pointsman/plugins/producers/prefix_index.h"

namespace pointsman {
namespace {

constexpr std::size_t kCapacity = 31'250;
constexpr std::size_t kPromptBlocks = 1600;  // 100k tokens
constexpr std::size_t kSharedBlocks = 30;    // a system prompt that every endpoint holds

using Chain = std::vector<std::uint64_t>;

Chain chain_of(Random& random, const Chain& head, std::size_t blocks) {
  Chain chain = head;
  while (chain.size() < blocks) chain.push_back(random.next());
  return chain;
}

// An index whose endpoints are all full: conversations of 1,600 blocks behind one system prompt.
struct Filled {
  PrefixIndex index;
  Random random{1};
  Chain head = chain_of(random, {}, kSharedBlocks);
  std::vector<EndpointKey> endpoints;
  std::vector<Chain> last;  // the newest chain of each endpoint

  explicit Filled(std::size_t count) : last(count) {
    for (std::uint32_t e = 0; e < count; ++e) {
      endpoints.push_back({e});
      for (std::size_t blocks = 0; blocks < kCapacity + kPromptBlocks; blocks += kPromptBlocks) {
        last[e] = chain_of(random, head, kPromptBlocks);
        index.insert({e}, last[e], kCapacity);
      }
    }
  }
};

Filled& filled(std::size_t count) {
  static std::vector<std::unique_ptr<Filled>> all(1000);
  if (!all.at(count)) all.at(count) = std::make_unique<Filled>(count);
  return *all.at(count);
}

bool check(Filled& f, benchmark::State& state) {
  Arena arena;
  std::vector<std::int32_t> out(f.endpoints.size());
  PrefixIndex::Match(f.index, f.endpoints, out, arena).add(f.last[1]);
  const auto all = static_cast<std::int32_t>(f.last[1].size());
  if (out[1] == all && out[0] == kSharedBlocks) return true;
  state.SkipWithError("the index finds something else than what was put in");
  return false;
}

// One conversation that one endpoint holds wholly and all others in part.
void prefix_match(benchmark::State& state) {
  Filled& f = filled(static_cast<std::size_t>(state.range(0)));
  if (!check(f, state)) return;
  Arena arena;
  std::vector<std::int32_t> out(f.endpoints.size());
  std::size_t next = 0;
  for (auto _ : state) {
    arena.reset();
    PrefixIndex::Match(f.index, f.endpoints, out, arena).add(f.last[next++ % f.last.size()]);
    benchmark::DoNotOptimize(out.data());
  }
}

// The next turn of a conversation: 1,600 blocks held, 10 new.
void prefix_insert_turn(benchmark::State& state) {
  Filled& f = filled(static_cast<std::size_t>(state.range(0)));
  if (!check(f, state)) return;
  std::size_t next = 0;
  for (auto _ : state) {
    const std::size_t e = next++ % f.last.size();
    Chain& chain = f.last[e];
    chain.resize(kPromptBlocks);
    for (int i = 0; i < 10; ++i) chain.push_back(f.random.next());
    f.index.insert(f.endpoints[e], chain, kCapacity);
  }
}

// A new prompt of 1,600 blocks, for which as many old ones leave.
void prefix_insert_new(benchmark::State& state) {
  Filled& f = filled(static_cast<std::size_t>(state.range(0)));
  std::size_t next = 0;
  for (auto _ : state) {
    const std::size_t e = next++ % f.last.size();
    f.last[e] = chain_of(f.random, f.head, kPromptBlocks);
    f.index.insert(f.endpoints[e], f.last[e], kCapacity);
  }
  check(f, state);
}

// Small prompts from several threads at once: a look-up and an insertion of 4 blocks each.
void prefix_contended(benchmark::State& state) {
  static PrefixIndex index;
  Random random(static_cast<std::uint64_t>(state.thread_index()));
  Arena arena;
  std::vector<EndpointKey> endpoints;
  for (std::uint32_t e = 0; e < 8; ++e) endpoints.push_back({e});
  std::vector<std::int32_t> out(endpoints.size());
  const Chain head{1, 2, 3};
  for (auto _ : state) {
    const Chain chain = chain_of(random, head, 4);
    arena.reset();
    PrefixIndex::Match(index, endpoints, out, arena).add(chain);
    index.insert(endpoints[random.below(8)], chain, kCapacity);
  }
}

BENCHMARK(prefix_match)->Arg(8)->Arg(100);
BENCHMARK(prefix_insert_turn)->Arg(8)->Arg(100);
BENCHMARK(prefix_insert_new)->Arg(8)->Arg(100);
BENCHMARK(prefix_contended)->Threads(1)->Threads(2)->Threads(4);

}  // namespace
}  // namespace pointsman
