#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "pointsman/base/bug.h"
#include "pointsman/fleet/core_metrics_extractor.h"
#include "pointsman/fleet/fleet_board.h"
#include "pointsman/fleet/metrics_data_source.h"
#include "pointsman/fleet/scraper.h"
#include "pointsman/fleet/testing/make_plugin.h"
#include "pointsman/fleet/testing/page_server.h"
#include "pointsman/fleet/testing/vllm_page.h"

namespace pointsman {
namespace {

using std::chrono_literals::operator""ms;

// What reading so many endpoints every 50 ms costs the fleet's thread, snapshots included; an
// iteration is one scrape of a page of 55 kB. Budget: 100 us, and 0.2 core for 100 endpoints.
// The servers run on threads of their own and are not counted.
void scrapes(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  std::vector<std::unique_ptr<testing::PageServer>> servers;
  std::vector<Endpoint> endpoints;
  for (std::uint32_t i = 0; i < count; ++i) {
    servers.push_back(std::make_unique<testing::PageServer>());
    servers.back()->set_page(testing::vllm_page());
    endpoints.push_back({.name = "e" + std::to_string(i),
                         .address = "127.0.0.1",
                         .port = servers.back()->port(),
                         .key = {i}});
    endpoints.back().complete();
  }

  const auto source = testing::make_plugin<MetricsDataSource>("~");
  const auto extractor = testing::make_plugin<CoreMetricsExtractor>("~");
  Loop loop;
  FleetBoard board;
  std::size_t pages = 0;
  std::size_t failures = 0;
  Timer publish(loop, [&] { board.publish(); });
  auto scraper = Scraper::make(
      loop, {{source->name, source->source, {{extractor->name, extractor->extractor}}}}, {},
      [&](const Scrape& scrape) {
        if (scrape.failure != nullptr) {
          ++failures;
          return;
        }
        ++pages;
        board.apply(scrape.endpoint.key, scrape.at, *scrape.pages[0].reading,
                    scrape.pages[0].reader->adapters());
        if (!publish.armed()) publish.arm(10ms);
      });
  board.set_endpoints(std::make_shared<const std::vector<Endpoint>>(endpoints));
  scraper->set_endpoints(endpoints);
  const auto read = [&](std::size_t more) {
    const std::size_t enough = pages + more;
    if (!loop.run_until([&] { return pages >= enough; }, std::chrono::seconds(60))) {
      bug("too few pages");
    }
  };
  read(std::size_t{10} * count);  // warm
  if (board.current().load(Load::waiting).value[0] != 7) bug("the page was not read");

  const auto began = Clock::now();
  pages = failures = 0;
  while (state.KeepRunningBatch(count)) read(count);
  state.counters["per_second"] =
      static_cast<double>(pages) / std::chrono::duration<double>(Clock::now() - began).count();
  state.counters["failures"] = static_cast<double>(failures);
}
BENCHMARK(scrapes)->Name("Scrapes")->Arg(1)->Arg(100)->MinTime(2);

}  // namespace
}  // namespace pointsman
