#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pointsman/record/decision_frame.h"
#include "pointsman/stage/inputs.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman::testing {

// A pipeline of one profile with `scorers` scorers, its inputs, and decisions of it that look like
// those of the engine.
class DecisionMaker {
 public:
  DecisionMaker(std::size_t endpoints, std::size_t scorers) : scene_(servers(endpoints)) {
    Setup setup({}, {}, scene_.table);
    match_ = setup.writes<PrefixMatch>({"PrefixCacheMatchInfoDataKey", "approx"});
    tokens_ = setup.writes<std::int64_t>({"InFlightLoad", "inflight-load-producer"});
    prompt_ = setup.writes_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"});
    setup.reads_header("x-lane");
    auto schema = std::make_shared<InputSchema>();
    schema->columns = {*scene_.table.column({"PrefixCacheMatchInfoDataKey", "approx"}),
                       *scene_.table.column({"InFlightLoad", "inflight-load-producer"}),
                       *scene_.table.column({"TokenizedPrompt", "token-producer"})};
    schema->headers = scene_.table.headers();
    schema->config = "plugins: []\n";
    schema_ = std::move(schema);
    Plan plan{.handler = {"handler-type", "handler"}};
    Plan::Profile profile{.name = "default", .picker = {"picker-type", "picker"}};
    profile.filters.push_back({{"filter-type", "filter"}});
    for (std::size_t s = 0; s < scorers; ++s) {
      profile.scorers.push_back({.name = {"scorer-type", "scorer-" + std::to_string(s)},
                                 .weight = 1.0 + static_cast<double>(s),
                                 .reading = {Reading::From::load, Load::waiting},
                                 .unit = {}});
    }
    plan.profiles.push_back(std::move(profile));
    plan_ = std::make_shared<const Plan>(std::move(plan));
    fleet_ = std::make_shared<const Fleet>(scene_.fleet);
    headers_[0] = {"x-lane", "fast"};
  }

  const std::shared_ptr<const Plan>& plan() const { return plan_; }
  const std::shared_ptr<const InputSchema>& schema() const { return schema_; }
  const Fleet& fleet() const { return *fleet_; }

  // A new fleet, of which one endpoint was read again.
  void scrape(EndpointIndex e, double waiting) {
    Fleet next = *fleet_;
    now_ += std::chrono::milliseconds(50);
    next.set(e, Load::waiting, waiting, now_);
    next.set_read_at(e, now_);
    fleet_ = std::make_shared<const Fleet>(std::move(next));
  }
  // A new fleet without the endpoint.
  void leave(EndpointIndex e) {
    std::vector<Endpoint> rest = fleet_->endpoints();
    rest.erase(rest.begin() + e);
    fleet_ = std::make_shared<const Fleet>(
        Fleet(std::make_shared<const std::vector<Endpoint>>(std::move(rest))));
  }

  // Fills a decision; each number gives another one.
  void fill(Decision& d, std::uint64_t number) {
    d.id = 1000 + number;
    d.at = now_ + std::chrono::microseconds(number);
    d.wall = std::chrono::system_clock::time_point(std::chrono::seconds(1'800'000'000 + number));
    d.request_id = "request-" + std::to_string(number);
    d.model = "model";
    d.target_model = number % 2 == 0 ? "model" : "model-lora";
    d.body_bytes = 4000;
    d.priority = -1;
    d.seed = number * 17;
    d.fleet = fleet_;
    d.plan = plan_;
    d.predicted_cached_tokens = 640;
    take(d, number);
    run(d, number);
    d.done = d.at + std::chrono::microseconds(3);
  }

 private:
  static std::vector<Server> servers(std::size_t n) {
    std::vector<Server> all;
    for (std::size_t i = 0; i < n; ++i) {
      Server server{.name = "pod-" + std::to_string(i),
                    .waiting = static_cast<double>(i % 5),
                    .running = 3,
                    .kv_usage = 0.01 * static_cast<double>(i % 100),
                    .labels = {{"role", "decode"}}};
      server.adapters = {.active = {"a", "b"}, .waiting = {}, .room = 4};
      all.push_back(std::move(server));
    }
    return all;
  }

  void take(Decision& d, std::uint64_t number) {
    Arena arena;
    Signals signals;
    const std::size_t n = fleet_->size();
    signals.reset(arena, scene_.table.size(), n);
    const auto match = signals.write(match_);
    const auto tokens = signals.write(tokens_);
    for (std::size_t e = 0; e < n; ++e) {
      match[e] = {.match = static_cast<std::int32_t>((e * 7 + number) % 50),
                  .total = 100,
                  .block_tokens = 64,
                  .cached = static_cast<std::int32_t>((e * 7 + number) % 50)};
      tokens[e] = static_cast<std::int64_t>(e * 1000);
    }
    signals.write(prompt_).tokens = 4096;
    Request request = scene_.request;
    request.path = "/v1/completions";
    request.fairness_id = "default-flow";
    request.headers = headers_;
    request.received = d.at - std::chrono::microseconds(100);
    Trace off;
    const Context context{request, *fleet_, signals, off, d.at, d.at - std::chrono::seconds(2)};
    candidates_.resize(n);
    for (EndpointIndex e = 0; e < n; ++e) candidates_[e] = e;
    take_inputs(schema_, context, candidates_, 1, d.inputs);
  }

  void run(Decision& d, std::uint64_t number) const {
    const std::size_t scorers = plan_->profiles[0].scorers.size();
    const std::size_t n = candidates_.size() - 1;  // the filter drops the first
    ProfileRun run{.candidates = static_cast<std::uint32_t>(n), .drops = 1, .picks = 1, .ties = 1};
    run.began = run.filtered = run.scored = run.picked = d.at;
    d.drops.push_back({.endpoint = 0, .filter = 0, .reason = DropReason::label});
    d.candidates.assign(candidates_.begin() + 1, candidates_.end());
    d.scores.resize(scorers * n);
    d.readings.resize(scorers * n);
    d.totals.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      d.totals[i] = 0.0;
      for (std::size_t s = 0; s < scorers; ++s) {
        const double score = static_cast<double>((i * 31 + s * 7 + number) % 97) / 97.0;
        d.scores[s * n + i] = score;
        d.readings[s * n + i] = 0.0F;
        d.totals[i] += score * plan_->profiles[0].scorers[s].weight;
      }
    }
    const auto best = std::ranges::max_element(d.totals) - d.totals.begin();
    d.picks.push_back(d.candidates[static_cast<std::size_t>(best)]);
    d.runs.push_back(run);
    d.primary = 0;
  }

  Scene scene_;
  Column<PrefixMatch> match_;
  Column<std::int64_t> tokens_;
  Cell<TokenizedPrompt> prompt_;
  std::array<Header, 1> headers_;
  std::shared_ptr<const InputSchema> schema_;
  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<const Fleet> fleet_;
  std::vector<EndpointIndex> candidates_;
  Clock::time_point now_ = Clock::time_point(std::chrono::hours(1));
};

}  // namespace pointsman::testing
