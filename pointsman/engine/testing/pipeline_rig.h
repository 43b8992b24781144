#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/engine/pipeline.h"
#include "pointsman/engine/testing/pipeline_fakes.h"
#include "pointsman/engine/testing/profile_rig.h"

namespace pointsman::testing {

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
  Published<RequestRules> rules{RequestRules()};
  EngineWorker worker;
  FakeSession session;
  std::vector<Header> headers{{":path", "/v1/test"}};

  explicit PipelineRig(std::size_t endpoints = 2)
      : profile(endpoints),
        fleets(fleet_of(ProfileRig::servers(ProfileRig::pods(endpoints)), Clock::now())),
        worker(metrics, metrics.add_shard(), fleets, 1) {
    worker.rules.emplace(rules);
    registry.add<FakeProducer>();
    registry.add<FakeHook>();
    registry.add<FakeHeadHook>();
    registry.add<FakeArrival>();
    registry.add<FakeScreener>();
    registry.add<FakeAdmitter>();
    plugins = std::make_unique<PluginSet>(registry);
  }

  // A further plugin, in the order of the configuration.
  FakeProducer& add_producer(const std::string& name) {
    return static_cast<FakeProducer&>(*add(name, FakeProducer::kType).producer);
  }
  FakeHook& add_hook(const std::string& name) {
    return static_cast<FakeHook&>(*add(name, FakeHook::kType).hook);
  }
  FakeHeadHook& add_head_hook(const std::string& name) {
    return static_cast<FakeHeadHook&>(*add(name, FakeHeadHook::kType).response_hook);
  }
  FakeArrival& add_arrival(const std::string& name) {
    return static_cast<FakeArrival&>(*add(name, FakeArrival::kType).arrival_hook);
  }
  FakeScreener& add_screener(const std::string& name) {
    return static_cast<FakeScreener&>(*add(name, FakeScreener::kType).screener);
  }
  FakeAdmitter& add_admitter(const std::string& name) {
    return static_cast<FakeAdmitter&>(*add(name, FakeAdmitter::kType).admitter);
  }

  // What resources say from now on, as YAML documents.
  void set_resources(std::string_view text) {
    const auto resources = read_resources(text);
    ASSERT_TRUE(resources.has_value()) << resources.error().front().text;
    rules.publish(RequestRules(*resources));
  }
  // An objective `urgency` of this priority, which requests from now on name.
  void set_priority(int priority) {
    set_resources(
        "apiVersion: llm-d.ai/v1alpha2\nkind: InferenceObjective\nmetadata: {name: urgency}\n"
        "spec: {poolRef: {name: p}, priority: " +
        std::to_string(priority) + "}\n");
    headers.push_back({"x-llm-d-inference-objective", "urgency"});
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

  // The body that goes to the model server.
  std::string outgoing() const {
    std::string body;
    for (const std::string_view piece : session.outgoing) body += piece;
    EXPECT_EQ(body.size(), session.outgoing_bytes);
    return body;
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
