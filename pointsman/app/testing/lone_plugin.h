#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/app/builtin.h"
#include "pointsman/base/published.h"
#include "pointsman/config/config_loader.h"
#include "pointsman/engine/pipeline.h"
#include "pointsman/record/decision_ring.h"
#include "pointsman/stage/testing/scene.h"
#include "pointsman/wire/http.h"

namespace pointsman::testing {

// Tells what no plugin of this build can find out, so that those who read it can be tried: values
// as they come, none at every third endpoint.
class Oracle final : public Producer {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "oracle";
  static constexpr std::string_view kHelp = "For tests.";

  Oracle(Params /*params*/, Setup& setup)
      : latency_(setup.writes<LatencyPrediction>(
            {"LatencyPredictionInfoDataKey", "predicted-latency-producer"})),
        match_(setup.writes<PrefixMatch>(
            {"PrefixCacheMatchInfoDataKey", "precise-prefix-cache-scorer"})) {
    setup.writes_load({"llm-d.ai/multicluster-queue-size", ""});
    setup.writes_load({"llm-d.ai/multicluster-kv-cache-utilization", ""});
  }
  Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals) const override {
    const auto latency = signals.write(latency_);
    const auto match = signals.write(match_);
    for (const EndpointIndex e : candidates) {
      if (e % 3 == 2) continue;
      const double load = context.load(Load::waiting)[e];
      latency[e] = {.ttft_ms = load,
                    .tpot_ms = load / 2,
                    .ttft_headroom_ms = 5 - load,
                    .tpot_headroom_ms = 1,
                    .dispatched = e,
                    .known = true,
                    .ttft_valid = e % 2 == 0,
                    .tpot_valid = true};
      match[e] = {.match = static_cast<std::int32_t>(e % 5), .total = 4, .block_tokens = 64};
      // Where the loads are absurd, so is this, and the latencies follow the loads anyway.
      if (std::isinf(load)) match[e] = {.match = std::numeric_limits<std::int32_t>::max()};
      if (load < 0) match[e] = {.match = -1, .total = -1, .block_tokens = -1};
    }
    return {};
  }

 private:
  Column<LatencyPrediction> latency_;
  Column<PrefixMatch> match_;
};

inline Registry plugins_and_oracle() {
  Registry registry = builtin_plugins();
  registry.add<Oracle>();
  return registry;
}

// What endpoints report.
enum class Loads : std::uint8_t { sound, missing, absurd };

// `n` endpoints of several roles, tiers and places, two to a pod.
inline Fleet mixed_fleet(std::size_t n, Loads loads) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  constexpr std::array<double, 6> kAbsurd{kNaN, kInf, -kInf, -1.0, 1e300, 5e-324};
  const auto value = [&](std::size_t i, double sound) {
    return loads == Loads::sound ? sound : loads == Loads::missing ? kMissing : kAbsurd[i % 6];
  };
  const std::array<const char*, 5> roles{"decode", "prefill", "encode", "prefill-decode", "both"};
  std::vector<Server> servers;
  for (std::size_t i = 0; i < n; ++i) {
    const auto number = static_cast<double>(i);
    servers.push_back({.name = "pod-" + std::to_string(i),
                       .waiting = value(i, static_cast<double>(i % 7)),
                       .running = value(i + 1, static_cast<double>(i % 5)),
                       .kv_usage = value(i + 2, number / static_cast<double>(n)),
                       .adapters = {.active = {"m"}, .waiting = {"other"}, .room = 4},
                       .labels = {{"llm-d.ai/role", roles[i % 5]},
                                  {"tier", i % 2 == 0 ? "gold" : "iron"},
                                  {"llm-d.ai/context-length-range", i % 2 == 0 ? "0-10" : "0-9999"},
                                  {"topology.kubernetes.io/zone", i % 3 == 0 ? "east" : "west"}}});
  }
  const auto now = Clock::now();
  Fleet fleet = fleet_of(servers, now);
  for (EndpointIndex e = 0; e < n; ++e) {
    fleet.set_attribute(e, "llm-d.ai/multicluster-queue-size/", value(e, e % 4), now);
    fleet.set_attribute(e, "llm-d.ai/multicluster-kv-cache-utilization/", value(e + 1, 0.5), now);
  }
  return fleet;
}

// A request as it comes in; eight of them, with and without conversation, session, image, nonsense.
struct Asked {
  std::string body;
  std::vector<Header> headers;
};

inline Asked asked(std::size_t number) {
  const std::string shared(number % 2 == 0 ? 4000 : 700, 'a');
  const std::string image =
      number % 4 == 3 ? R"(,{"type":"image_url","image_url":{"url":"https://example.org/i.png"}})"
                      : "";
  return {
      .body = R"({"model":"m","max_tokens":)" + std::to_string(number % 3 * 100 + 1) +
              R"(,"messages":[{"role":"user","content":[{"type":"text","text":")" + shared +
              std::to_string(number % 8) + R"("})" + image + "]}]}",
      .headers = {{":path", "/v1/chat/completions"},
                  {"x-request-id", "a-request"},
                  {"x-session", number % 3 == 0   ? ""
                                : number % 3 == 1 ? "one"
                                                  : "two"},
                  {"x-tier", number % 2 == 0 ? "gold" : "lead"},
                  {"x-session-token", "bm90IGEgdG9rZW4="},
                  {"test-epp-endpoint-selection", number % 2 == 0 ? "10.0.0.2" : "nonsense, ::"},
                  {"epp-profile", number % 4 == 0 ? "" : "decode"}}};
}

// One worker with one session.
class Client {
 public:
  Client(const std::shared_ptr<const Pipeline>& pipeline, Metrics& metrics,
         const Published<Fleet>& fleets, std::uint64_t seed)
      : pipeline_(pipeline), worker_(metrics, metrics.add_shard(), fleets, seed) {}

  // A request from its headers to the end of its answer; the error of the decision, if any.
  Result<void> ask(const Asked& request, Trace trace = {}) {
    session_.reset();
    session_.headers = request.headers;
    body_.clear();
    body_.append(request.body);
    session_.body = body_.view();
    pipeline_->begin(session_, std::move(trace), worker_);
    pipeline_->run(pipeline_, session_, worker_);
    if (session_.outcome) {
      pipeline_->sent(session_, worker_);
      pipeline_->response_started(session_, 200, "application/json", worker_);
      pipeline_->response_chunk(session_, R"({"usage":{"prompt_tokens":10,"completion_tokens":2}})",
                                true, worker_);
    }
    pipeline_->finish(session_, Outcome::End::finished, worker_);
    return session_.outcome;
  }
  // Of the last request; nullptr when it came to none.
  const Decision* decision() const { return session_.decision.get(); }

 private:
  struct Told final : Session {
    Result<void> outcome;
    void decided(const Result<void>& how) override { outcome = how; }
  };

  std::shared_ptr<const Pipeline> pipeline_;
  EngineWorker worker_;
  BodyBuffer body_;
  Told session_;
};

// A router in whose configuration one plugin takes part.
class LonePlugin {
 public:
  explicit LonePlugin(const std::string& config, std::size_t endpoints = 4,
                      Loads loads = Loads::sound)
      : fleets_(mixed_fleet(endpoints, loads)) {
    auto loaded = load_config(config);
    if (!loaded) {
      error_ = loaded.error().front().text;
      return;
    }
    auto made = assemble(*std::move(loaded), plugins_and_oracle(), metrics_, builtin_options(true));
    if (!made) {
      error_ = made.error().front().text;
      return;
    }
    Assembly assembly = *std::move(made);
    assembly.saturation = std::make_shared<Idle>();  // loads are no reason to refuse here
    pipeline_ =
        std::make_shared<const Pipeline>(std::move(assembly), metrics_, ring_, Pipeline::Options{});
  }

  // Why it cannot be loaded; empty when it is.
  const std::string& error() const { return error_; }
  const Pipeline& pipeline() const { return *pipeline_; }
  std::unique_ptr<Client> client(std::uint64_t seed = 1) {
    return std::make_unique<Client>(pipeline_, metrics_, fleets_, seed);
  }

 private:
  struct Idle final : SaturationDetector {
    double saturation(const Fleet& /*fleet*/, std::span<const EndpointIndex> /*endpoints*/,
                      Clock::time_point /*now*/) const override {
      return 0.0;
    }
  };

  Metrics metrics_;
  DecisionRing ring_{8};
  Published<Fleet> fleets_;
  std::shared_ptr<const Pipeline> pipeline_;
  std::string error_;
};

}  // namespace pointsman::testing
