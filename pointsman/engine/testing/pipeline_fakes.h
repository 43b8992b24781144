#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/engine/session.h"
#include "pointsman/stage/recorder.h"
#include "pointsman/stage/registry.h"

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
  Result<void> outcome;  // of dispatched()
  Answer last;           // of the latest call
  std::string told;      // a letter for each call, in order
  bool throws = false;   // whenever it is told of a response
  int tended = 0;

  Result<void> dispatched(const Context& /*context*/, const Decision& decision,
                          Effects& effects) override {
    told += 'd';
    during(decision, effects);
    return outcome;
  }
  void answered(const Context& /*context*/, const Decision& /*decision*/, const Answer& answer,
                Effects& effects) override {
    tell('a', answer);
    effects.headers.set("x-told", "answered");
  }
  void first_bytes(const Context& /*context*/, const Decision& /*decision*/, const Answer& answer,
                   Effects& /*effects*/) override {
    tell('b', answer);
  }
  void finished(const Context& /*context*/, const Decision& /*decision*/, const Answer& answer,
                Effects& effects) override {
    tell('f', answer);
    effects.metadata->set("space", "told", 1.0);
  }
  void tend(const Fleet& /*fleet*/) override { ++tended; }

 private:
  void tell(char letter, const Answer& answer) {
    told += letter;
    last = answer;
    if (throws) throw std::runtime_error("boom");
  }
};

// Hears of the heads of responses and of nothing else.
struct FakeHeadHook final : ResponseHook {
  using Params = NoParams;
  static constexpr std::string_view kType = "fake-head-hook";
  static constexpr std::string_view kHelp = "For tests.";

  FakeHeadHook(NoParams /*params*/, Setup& /*setup*/) {}

  int heard = 0;

  void answered(const Context& /*context*/, const Decision& /*decision*/, const Answer& /*answer*/,
                Effects& /*effects*/) override {
    ++heard;
  }
};

// Names the client by the header x-agent, if there is one; fails when told to.
struct FakeArrival final : ArrivalHook {
  using Params = NoParams;
  static constexpr std::string_view kType = "fake-arrival";
  static constexpr std::string_view kHelp = "For tests.";

  FakeArrival(NoParams /*params*/, Setup& setup)
      : agent(setup.writes_cell<SessionId>({std::string(kAgentIdentityKey), ""})) {}

  Cell<SessionId> agent;
  Result<void> outcome;

  Result<void> arrived(const Request& request, Signals& signals,
                       HeaderEdits& headers) const override {
    if (!outcome) return outcome;
    headers.set("x-arrived", "yes");
    if (const auto name = request.header("x-agent"); !name.empty()) {
      signals.write(agent) = {.id = name};
    }
    return {};
  }
};

// Keeps those of whom it is told, and remembers what it was asked.
struct FakeScreener final : Screener {
  using Params = NoParams;
  static constexpr std::string_view kType = "fake-screener";
  static constexpr std::string_view kHelp = "For tests.";

  FakeScreener(NoParams /*params*/, Setup& /*setup*/) {}

  std::vector<EndpointIndex> keeps;
  mutable std::vector<EndpointIndex> asked;
  mutable std::uint64_t drawn = 0;

  void screen(const Context& /*context*/, std::span<const EndpointIndex> candidates,
              std::span<bool> stays, Random random, Samples& /*samples*/) const override {
    asked.assign(candidates.begin(), candidates.end());
    drawn = random.next();
    for (std::size_t i = 0; i < stays.size(); ++i) {
      EXPECT_TRUE(stays[i]);
      stays[i] = std::ranges::find(keeps, candidates[i]) != keeps.end();
    }
  }
};

struct FakeAdmitter final : Admitter {
  using Params = NoParams;
  static constexpr std::string_view kType = "fake-admitter";
  static constexpr std::string_view kHelp = "For tests.";

  FakeAdmitter(NoParams /*params*/, Setup& /*setup*/) {}

  Result<void> outcome;
  mutable int calls = 0;
  mutable std::uint64_t drawn = 0;

  Result<void> admit(const Context& /*context*/, std::span<const EndpointIndex> /*candidates*/,
                     Random random) const override {
    ++calls;
    drawn = random.next();
    return outcome;
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

}  // namespace pointsman::testing
