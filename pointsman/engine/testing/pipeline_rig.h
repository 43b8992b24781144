#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/engine/pipeline.h"
#include "pointsman/engine/testing/profile_rig.h"

namespace pointsman::testing {

// Keeps every decision, in order.
struct FakeRecorder final : Recorder {
  std::vector<std::shared_ptr<Decision>> kept;
  int joined = 0;

  std::shared_ptr<Decision> fresh() override {
    auto decision = std::make_shared<Decision>();
    decision->id = ++made_;
    return decision;
  }
  void keep(const std::shared_ptr<Decision>& decision) override { kept.push_back(decision); }
  void join(const std::shared_ptr<Decision>& decision, const Outcome& outcome) override {
    ++joined;
    decision->outcome = outcome;
  }

 private:
  std::uint64_t made_ = 0;
};

// Reads `/v1/test`. A request body is the model's name; a test may do otherwise.
struct FakeParser final : Parser {
  std::function<Result<Parsed>(std::string_view, Request&)> on_parse =
      [](std::string_view body, Request& request) -> Result<Parsed> {
    request.model = body;
    return Parsed{.model_value = std::pair<std::size_t, std::size_t>(0, body.size()),
                  .rewritable = true};
  };
  Usage usage;  // reported with the last piece of a response

  std::span<const std::string_view> paths() const override { return paths_; }
  Result<Parsed> parse(std::string_view body, Request& request, Arena& /*arena*/) const override {
    return on_parse(body, request);
  }
  void read(std::string_view /*chunk*/, bool /*sse*/, bool end,
            ResponseProgress& progress) const override {
    if (end) progress.usage.merge(usage);
  }

 private:
  std::vector<std::string_view> paths_{"v1/test"};
};

struct FakeSaturation final : SaturationDetector {
  double value = 0;
  mutable std::size_t asked_of = 0;  // endpoints in the last question

  double saturation(const Fleet& /*fleet*/, std::span<const EndpointIndex> endpoints,
                    Clock::time_point /*now*/) const override {
    asked_of = endpoints.size();
    return value;
  }
};

// Says how many blocks of the prompt each endpoint holds; fails or throws when told to.
struct FakeProducer final : Producer {
  using Params = NoParams;
  static constexpr std::string_view kType = "fake-producer";
  static constexpr std::string_view kHelp = "For tests.";

  FakeProducer(NoParams /*params*/, Setup& setup)
      : matches(setup.writes<PrefixMatch>({"PrefixCacheMatchInfoDataKey", setup.name().name})) {}

  Column<PrefixMatch> matches;
  std::vector<std::int32_t> match;  // by endpoint; none: nothing is written
  std::function<Result<void>()> during = [] { return Result<void>(); };

  Result<void> produce(const Context& /*context*/, std::span<const EndpointIndex> /*candidates*/,
                       Signals& signals) const override {
    if (auto done = during(); !done) return done;
    for (std::size_t e = 0; e < match.size(); ++e) {
      signals.write(matches)[e] = {.match = match[e], .total = 4, .block_tokens = 16};
    }
    return {};
  }
};

struct FakeHook final : Hook, ResponseHook, Upkeep {
  using Params = NoParams;
  static constexpr std::string_view kType = "fake-hook";
  static constexpr std::string_view kHelp = "For tests.";

  FakeHook(NoParams /*params*/, Setup& /*setup*/) {}

  std::function<void(const Decision&, Effects&)> during = [](const Decision&, Effects&) {};
  std::string told;     // a letter for each call, in order
  bool throws = false;  // whenever it is told of a response
  int tended = 0;

  void dispatched(const Context& /*context*/, const Decision& decision, Effects& effects) override {
    told += 'd';
    during(decision, effects);
  }
  void answered(const Context& /*context*/, const Decision& /*decision*/,
                Effects& effects) override {
    tell('a');
    effects.headers.set("x-told", "answered");
  }
  void first_bytes(const Context& /*context*/, const Decision& /*decision*/,
                   Effects& /*effects*/) override {
    tell('b');
  }
  void finished(const Context& /*context*/, const Decision& /*decision*/,
                Effects& /*effects*/) override {
    tell('f');
  }
  void tend(const Fleet& /*fleet*/) override { ++tended; }

 private:
  void tell(char letter) {
    told += letter;
    if (throws) throw std::runtime_error("boom");
  }
};

// Runs everything once and takes the first profile, or fails as it is told to.
struct OnceHandler final : ProfileHandler {
  Result<std::size_t> answer = 0;

  void choose(const Context& /*context*/, std::span<ProfileState> profiles,
              std::span<bool> run) const override {
    for (std::size_t p = 0; p < run.size(); ++p) {
      run[p] = profiles[p].stage == ProfileState::Stage::not_run;
    }
  }
  Result<std::size_t> conclude(const Context& /*context*/,
                               std::span<const ProfileState> profiles) const override {
    if (profiles[0].stage == ProfileState::Stage::failed) return fail(Code::internal, "failed");
    return answer;
  }
};

struct FakeSession final : Session {
  std::vector<Result<void>> outcomes;
  void decided(const Result<void>& outcome) override { outcomes.push_back(outcome); }
};

// A pipeline of fakes over a small fleet: one parser, one profile (ProfileRig), and what a test
// adds before the first request. A test then sends one request after the other.
struct PipelineRig {
  ProfileRig profile;
  Metrics& metrics = profile.metrics;
  FakeRecorder recorder;
  Registry registry;
  std::shared_ptr<FakeParser> parser = std::make_shared<FakeParser>();
  std::shared_ptr<FakeSaturation> saturation = std::make_shared<FakeSaturation>();
  std::shared_ptr<OnceHandler> handler = std::make_shared<OnceHandler>();
  std::unique_ptr<PluginSet> plugins;
  Pipeline::Options options;
  Published<Fleet> fleets;
  EngineWorker worker;
  FakeSession session;
  std::vector<Header> headers{{":path", "/v1/test"}};

  explicit PipelineRig(std::size_t endpoints = 2)
      : profile(endpoints),
        fleets(fleet_of(ProfileRig::servers(ProfileRig::pods(endpoints)), Clock::now())),
        worker(metrics, metrics.add_shard(), fleets, 1) {
    registry.add<FakeProducer>();
    registry.add<FakeHook>();
    plugins = std::make_unique<PluginSet>(registry);
  }

  // A further plugin, in the order of the configuration.
  FakeProducer& add_producer(const std::string& name) {
    return static_cast<FakeProducer&>(*add(name, FakeProducer::kType).producer);
  }
  FakeHook& add_hook(const std::string& name) {
    return static_cast<FakeHook&>(*add(name, FakeHook::kType).hook);
  }

  // One request up to the decision. The session holds it until the next call.
  Result<void> run(std::string_view body = "m", Trace trace = {}) {
    session.reset();
    session.outcomes.clear();
    session.headers = headers;
    session.body = body;
    pipeline().begin(session, std::move(trace), worker);
    pipeline().run(shared_pipeline(), session, worker);
    EXPECT_EQ(session.outcomes.size(), 1U) << "decided() comes exactly once";
    return session.outcomes.at(0);
  }
  // The error of such a request, as code and text; "decided" if there is none.
  std::string error(std::string_view body = "m") {
    const auto outcome = run(body);
    return outcome ? "decided"
                   : std::to_string(static_cast<int>(outcome.error().code)) + " " +
                         outcome.error().message;
  }
  void respond(int status, std::string_view type, const std::vector<std::string_view>& pieces) {
    pipeline().sent(session, worker);
    pipeline().response_started(session, status, type, worker);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      pipeline().response_chunk(session, pieces[i], i + 1 == pieces.size(), worker);
    }
  }
  void finish(Outcome::End end = Outcome::End::finished) {
    pipeline().finish(session, end, worker);
  }

  std::optional<double> metric(const std::string& series) const {
    return metric_value(metrics.expose(), series);
  }
  // A family whose labels are those of requests for model m.
  std::optional<double> of_request(const std::string& family, const std::string& more = "") const {
    return metric(family + R"({fairness_id="default-flow",model_name="m",priority="0")" + more +
                  R"(,target_model_name="m"})");
  }

  const Pipeline& pipeline() { return *shared_pipeline(); }
  const std::shared_ptr<const Pipeline>& shared_pipeline() {
    if (made_ == nullptr) made_ = make();
    return made_;
  }

 private:
  const Instance& add(const std::string& name, std::string_view type) {
    Diagnostics problems;
    EXPECT_TRUE(plugins->create({.name = name, .type = std::string(type)}, "plugins", problems));
    return *plugins->find(name);
  }

  std::shared_ptr<const Pipeline> make() {
    Assembly assembly;
    assembly.plugins = std::move(plugins);
    for (const auto& instance : assembly.plugins->all()) {
      if (instance->producer != nullptr) assembly.producers.push_back(instance.get());
    }
    assembly.parsers = *ParserTable::build({{{"fake-parser", "p"}, parser}});
    assembly.saturation = saturation;
    const TypedName name{"fake-handler", "h"};
    std::vector<Profile> profiles;
    profiles.push_back(profile.profile());
    assembly.scheduler = std::make_unique<Scheduler>(
        Scheduler::Handler{name, handler, plugin_timer(metrics, "ProfilePicker", name),
                           plugin_timer(metrics, "ProcessProfilesResults", name)},
        std::move(profiles));
    return std::make_shared<const Pipeline>(std::move(assembly), metrics, recorder, options);
  }

  std::shared_ptr<const Pipeline> made_;
};

}  // namespace pointsman::testing
