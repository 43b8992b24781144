#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "pointsman/base/bug.h"
#include "pointsman/fleet/engine_mapping.h"
#include "pointsman/fleet/engine_page.h"
#include "pointsman/fleet/testing/vllm_page.h"

namespace pointsman {
namespace {

// One vLLM page of 55 kB, in pieces as a socket gives them. Budget: 0.1 ms, with all of HTTP.
void metrics_page(benchmark::State& state) {
  const std::string text = testing::vllm_page();
  const auto piece = static_cast<std::size_t>(state.range(0));
  auto mapping = EngineMapping::parse(builtin_engines().front());
  EnginePage page(std::make_shared<const EngineMapping>(*std::move(mapping)));
  const auto read = [&]() -> const PageReading& {
    page.begin();
    for (std::size_t at = 0; at < text.size(); at += piece) {
      page.feed(std::string_view(text).substr(at, piece));
    }
    return page.finish();
  };
  if (read().loads[0] != 7 || page.finish().problems != 0) bug("the page was not read");
  for (auto _ : state) benchmark::DoNotOptimize(read());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.counters["bytes"] = static_cast<double>(text.size());
}
BENCHMARK(metrics_page)->Name("MetricsPage")->Arg(1448)->Arg(16384)->Arg(65536);

}  // namespace
}  // namespace pointsman
