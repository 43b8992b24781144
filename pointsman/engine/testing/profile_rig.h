#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pointsman/engine/profile.h"
#include "pointsman/engine/testing/fakes.h"
#include "pointsman/stage/testing/scene.h"
#include "pointsman/telemetry/metrics.h"
#include "pointsman/telemetry/testing/metric_value.h"

namespace pointsman::testing {

// One profile over a small fleet: one scorer "q" of type queue-scorer that gives everyone 0.5, and
// a picker that takes the first candidate, until a test says otherwise.
struct ProfileRig {
  Metrics metrics;
  SchedulerShard shard{metrics, metrics.add_shard()};
  Scene scene;
  Request request;
  Trace trace = recording_trace();
  Decision decision;
  std::vector<std::shared_ptr<FakeFilter>> filters;
  std::vector<std::shared_ptr<FakeScorer>> scorers;
  std::vector<TypedName> scorer_names;
  std::vector<double> weights;
  std::shared_ptr<FakePicker> picker = std::make_shared<FakePicker>();
  std::shared_ptr<const Picker> other_picker;

  explicit ProfileRig(std::size_t endpoints) : ProfileRig(pods(endpoints)) {}
  explicit ProfileRig(const std::vector<std::string>& names) : scene(servers(names)) {
    add_scorer("queue-scorer", "q", 1.0)->values.assign(names.size(), 0.5);
  }

  std::shared_ptr<FakeFilter> add_filter() {
    return filters.emplace_back(std::make_shared<FakeFilter>());
  }
  std::shared_ptr<FakeScorer> add_scorer(std::string type, std::string name, double weight) {
    scorer_names.push_back({std::move(type), std::move(name)});
    weights.push_back(weight);
    return scorers.emplace_back(std::make_shared<FakeScorer>());
  }
  void set_weight(std::size_t scorer, double weight) { weights[scorer] = weight; }
  // A picker that prefers the best total; the real one lives above this floor.
  void use_max_score_picker() {
    struct Best final : Picker {
      std::size_t pick(std::span<const EndpointIndex> candidates, std::span<const double> totals,
                       Random& random, Trace& /*trace*/,
                       std::span<EndpointIndex> out) const override {
        std::size_t best = 0;
        std::uint64_t ties = 1;
        for (std::size_t i = 1; i < totals.size(); ++i) {
          if (totals[i] > totals[best]) {
            best = i;
            ties = 1;
          } else if (totals[i] == totals[best] && random.below(++ties) == 0) {
            best = i;
          }
        }
        out[0] = candidates[best];
        return 1;
      }
    };
    other_picker = std::make_shared<Best>();
  }

  Profile profile() {
    std::vector<Profile::FilterStep> filter_steps;
    for (std::size_t i = 0; i < filters.size(); ++i) {
      const TypedName name{"fake-filter", "f" + std::to_string(i)};
      filter_steps.push_back({name, filters[i], plugin_timer(metrics, "Filter", name)});
    }
    std::vector<Profile::ScorerStep> scorer_steps;
    for (std::size_t i = 0; i < scorers.size(); ++i) {
      scorer_steps.push_back({.name = scorer_names[i],
                              .weight = weights[i],
                              .scorer = scorers[i],
                              .timer = plugin_timer(metrics, "Scorer", scorer_names[i])});
    }
    const TypedName name{"fake-picker", "p"};
    const std::shared_ptr<const Picker> used = other_picker ? other_picker : picker;
    return {"default",
            std::move(filter_steps),
            std::move(scorer_steps),
            {name, used, plugin_timer(metrics, "Picker", name)}};
  }

  Result<void> run() {
    scene.begin();
    const auto all = scene.all();
    const Context context{request, scene.fleet, scene.signals, trace, scene.now};
    Laps laps(shard);
    return profile().run(0, context, all, decision, laps);
  }

  // Runs with a trace, decision and shard of the calling thread; how many pick_endpoints spans.
  std::size_t run_apart() {
    Trace own = recording_trace();
    Decision apart;
    SchedulerShard own_shard(metrics, metrics.add_shard());
    const auto all = scene.all();
    const Context context{request, scene.fleet, scene.signals, own, scene.now};
    std::vector<Profile::ScorerStep> steps;
    auto constant = std::make_shared<FakeScorer>();
    constant->values.assign(all.size(), 0.5);
    steps.push_back({.name = {"queue-scorer", "q"},
                     .scorer = constant,
                     .timer = plugin_timer(metrics, "Scorer", {"queue-scorer", "q"})});
    const Profile apart_profile("default", {}, std::move(steps),
                                {{"fake-picker", "p"},
                                 std::make_shared<FakePicker>(),
                                 plugin_timer(metrics, "Picker", {"fake-picker", "p"})});
    Laps laps(own_shard);
    if (!apart_profile.run(0, context, all, apart, laps)) return 0;
    return spans(own, "pick_endpoints").size();
  }

  // The one span of that name.
  Seen only(std::string_view name) const {
    const auto all = spans(trace, name);
    if (all.size() != 1)
      throw std::logic_error(std::to_string(all.size()) + " spans " + std::string(name));
    return all[0];
  }

  // Latency observations of an extension point, over all plugins.
  std::size_t observations(std::string_view point) {
    const std::string text = metrics.expose();
    double sum = 0;
    const auto add = [&](const TypedName& name) {
      sum += metric_value(text, "llm_d_epp_plugin_duration_seconds_count{extension_point=\"" +
                                    std::string(point) + "\",plugin_name=\"" + name.name +
                                    "\",plugin_type=\"" + name.type + "\"}")
                 .value_or(0);
    };
    if (point == "Picker") add({"fake-picker", "p"});
    if (point == "Scorer") {
      for (const TypedName& name : scorer_names) add(name);
    }
    return static_cast<std::size_t>(sum);
  }

  static std::vector<std::string> pods(std::size_t n) {
    std::vector<std::string> names;
    for (std::size_t i = 1; i <= n; ++i) names.push_back("pod" + std::to_string(i));
    return names;
  }
  static std::vector<Server> servers(const std::vector<std::string>& names) {
    std::vector<Server> all;
    for (const std::string& name : names) all.push_back({.name = name});
    return all;
  }
};

}  // namespace pointsman::testing
