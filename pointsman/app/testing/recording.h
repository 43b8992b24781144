#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pointsman/app/builtin.h"
#include "pointsman/base/bug.h"
#include "pointsman/base/testing/temporary_folder.h"
#include "pointsman/config/config_loader.h"
#include "pointsman/record/record_writer.h"
#include "pointsman/stage/inputs.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman::testing {

// Decides with a configuration and the plugins of this binary, on made-up loads and prefix matches,
// as a router does but for sockets and producers.
class Recording {
 public:
  explicit Recording(const std::string& config, std::size_t endpoints)
      : scene_(servers(endpoints)), candidates_(scene_.all()) {
    auto loaded = load_config(config);
    if (!loaded) bug("the configuration of a test is wrong");
    auto assembly =
        assemble(*std::move(loaded), builtin_plugins(), metrics_, builtin_options(true));
    if (!assembly) bug("the configuration of a test is wrong");
    assembly_ = std::make_unique<Assembly>(*std::move(assembly));
    fleet_ = std::make_shared<const Fleet>(scene_.fleet);
    scene_.request.model = "m";
    scene_.request.target_model = "m";
    scene_.request.path = "/v1/completions";
  }

  const InputSchema& schema() const { return *assembly_->inputs; }

  // Makes decision `number` into an empty one; one endpoint's load changes with every tenth.
  void decide(std::uint64_t number, bool take, Decision& d) {
    if (number % 10 == 0) scrape(number);
    scene_.arena.reset();
    scene_.signals.reset(scene_.arena, assembly_->plugins->signals().size(), fleet_->size());
    for (const SignalColumn& column : assembly_->inputs->columns) {
      if (!column.key.starts_with("PrefixCacheMatchInfoDataKey")) continue;
      const auto matches = scene_.signals.write(Column<PrefixMatch>{column.place});
      for (std::size_t e = 0; e < matches.size(); ++e) {
        const auto match = static_cast<std::int32_t>((e * 13 + number) % 11);
        matches[e] = {.match = match, .total = 10, .block_tokens = 64, .cached = match};
      }
    }
    d.at = scene_.now;
    d.seed = number;
    d.request_id = "0b0c1f6e-5a5e-4c0e-9f43-1d7b5b2f7c11";
    d.model = d.target_model = "m";
    d.fleet = fleet_;
    d.plan = assembly_->scheduler->plan();
    scene_.request.id = d.request_id;
    const Context context{scene_.request, *fleet_,    scene_.signals,
                          trace_,         scene_.now, scene_.now - std::chrono::seconds(2)};
    if (take) take_inputs(assembly_->inputs, context, candidates_, 1, d.inputs);
    if (!assembly_->scheduler->schedule(context, candidates_, d, shard_)) bug("nobody was picked");
  }

  // Records so many decisions, each with an outcome, into files in `folder`.
  void record(const std::string& folder, std::size_t decisions) {
    Log log;
    DecisionRing ring;
    auto writer = RecordWriter::start({.folder = folder, .queue = 65'536}, ring, Logger(log));
    if (!writer) bug("nothing can be written there");
    ring.attach(**writer);
    for (std::size_t i = 0; i < decisions; ++i) {
      const auto decision = ring.fresh();
      decide(i, true, *decision);
      ring.keep(decision);
      ring.join(decision, {.end = Outcome::End::finished, .status = 200});
      // The queue is bounded and a test must not lose any.
      while ((*writer)->counts().outcomes + 20'000 < i) std::this_thread::yield();
    }
    (*writer)->stop();
    if ((*writer)->counts().queue_full > 0) bug("the recorder lost decisions");
  }

 private:
  static std::vector<Server> servers(std::size_t n) {
    std::vector<Server> all;
    for (std::size_t i = 0; i < n; ++i) {
      all.push_back({.name = "pod-" + std::to_string(i),
                     .waiting = static_cast<double>(i % 4),
                     .running = static_cast<double>(i % 3),
                     .kv_usage = 0.05 * static_cast<double>(i % 16)});
    }
    return all;
  }

  void scrape(std::uint64_t number) {
    Fleet next = *fleet_;
    scene_.now += std::chrono::milliseconds(5);
    const auto e = static_cast<EndpointIndex>(number / 10 % next.size());
    next.set(e, Load::waiting, static_cast<double>(number % 7), scene_.now);
    next.set(e, Load::running, static_cast<double>(number % 5), scene_.now);
    next.set(e, Load::kv_usage, 0.01 * static_cast<double>(number % 100), scene_.now);
    fleet_ = std::make_shared<const Fleet>(std::move(next));
  }

  Metrics metrics_;
  SchedulerShard shard_{metrics_, metrics_.add_shard()};
  Scene scene_;
  std::vector<EndpointIndex> candidates_;
  std::unique_ptr<Assembly> assembly_;
  std::shared_ptr<const Fleet> fleet_;
  Trace trace_;
};

}  // namespace pointsman::testing
