#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pointsman/engine/scheduler.h"
#include "pointsman/plugins/handlers/single_profile.h"
#include "pointsman/plugins/pickers/pickers.h"
#include "pointsman/plugins/scorers/load_scorers.h"
#include "pointsman/plugins/scorers/lora_affinity.h"
#include "pointsman/plugins/scorers/prefix_cache.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman::testing {

// The scene of BenchmarkSchedule (spec/01 section 7): four scorers of weight 1, the max-score
// picker, a model `critical`, and n endpoints whose loads follow their number.
struct BenchScene {
  Metrics metrics;
  SchedulerShard shard{metrics, metrics.add_shard()};
  Scene scene;
  std::vector<EndpointIndex> candidates;
  Column<PrefixMatch> matches;
  std::unique_ptr<Scheduler> scheduler;
  Decision decision;

  explicit BenchScene(std::size_t n) : scene(servers(n)), candidates(scene.all()) {
    scene.request.id = "0b0c1f6e-5a5e-4c0e-9f43-1d7b5b2f7c11";
    scene.request.target_model = "critical";
    scene.request.model = "critical";
    scheduler = std::make_unique<Scheduler>(make_scheduler());
    pointsman::Setup producer({}, {}, scene.table);
    matches = producer.writes<PrefixMatch>(
        {"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"});
    decision.seed = 1;
  }

  // One whole schedule call with an empty decision and fresh signals, as the pipeline makes it.
  Result<void> schedule(Trace& trace) {
    scene.begin();
    decision.reset();
    decision.seed = scene.request.body_bytes++;  // another random sequence each time
    const Context context{scene.request, scene.fleet, scene.signals, trace, Clock::now()};
    return scheduler->schedule(context, candidates, decision, shard);
  }

  static std::vector<Server> servers(std::size_t n) {
    std::vector<Server> all;
    for (std::size_t i = 0; i < n; ++i) {
      Server server{.name = "pod" + std::to_string(i),
                    .waiting = static_cast<double>(i % 8),
                    .running = 0,
                    .kv_usage = static_cast<double>(i % 10) / 10,
                    .adapters = {.active = {"baseline"}, .waiting = {}, .room = 2}};
      if (i % 3 == 0) server.adapters.active.emplace_back("critical");
      all.push_back(std::move(server));
    }
    return all;
  }

 private:
  template <typename P>
  Profile::ScorerStep scorer() {
    const TypedName name{std::string(P::kType), std::string(P::kType)};
    return {.name = name,
            .weight = 1.0,
            .scorer = make<P>({}, scene.table),
            .timer = plugin_timer(metrics, "Scorer", name)};
  }

  Scheduler make_scheduler() {
    std::vector<Profile::ScorerStep> scorers;
    scorers.push_back(scorer<KvCacheUtilizationScorer>());
    scorers.push_back(scorer<QueueScorer>());
    scorers.push_back(scorer<PrefixCacheScorer>());
    scorers.push_back(scorer<LoraAffinityScorer>());
    const TypedName picker{"max-score-picker", "max-score-picker"};
    const TypedName handler{"single-profile-handler", "single-profile-handler"};
    std::vector<Profile> profiles;
    profiles.emplace_back("default", std::vector<Profile::FilterStep>{}, std::move(scorers),
                          Profile::PickerStep{picker, make<MaxScorePicker>({}, scene.table),
                                              plugin_timer(metrics, "Picker", picker)});
    return {{handler, make<SingleProfileHandler>({}, scene.table),
             plugin_timer(metrics, "ProfilePicker", handler),
             plugin_timer(metrics, "ProcessProfilesResults", handler)},
            std::move(profiles)};
  }
};

}  // namespace pointsman::testing
