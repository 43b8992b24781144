#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pointsman/stage/instance.h"
#include "pointsman/stage/testing/scene.h"

namespace pointsman::testing {

// Drives a profile handler as the scheduler does, with profiles whose results are written down.
struct HandlerRig {
  struct Profile {
    std::string name;
    std::optional<std::vector<EndpointIndex>> targets;  // nothing: the profile fails
  };
  struct Round {
    std::string ran;
    EndpointIndex peer = kNoEndpoint;
  };

  Scene& scene;
  std::vector<Profile> profiles;
  std::vector<ProfileState> states;
  std::vector<Round> rounds;

  HandlerRig(Scene& used, std::vector<Profile> given) : scene(used), profiles(std::move(given)) {
    for (const Profile& profile : profiles) states.push_back({.name = profile.name});
  }

  // Runs until the handler asks for nothing; the index of the primary profile.
  Result<std::size_t> run(const ProfileHandler& handler) {
    const Context context = scene.context();
    std::array<bool, 16> room{};
    for (int round = 0; round < 10; ++round) {
      const auto run = std::span(room).first(states.size());
      std::ranges::fill(run, false);
      handler.choose(context, states, run);
      if (std::ranges::find(run, true) == run.end()) return handler.conclude(context, states);
      const EndpointIndex peer = handler.peer(context, states);
      for (std::size_t p = 0; p < states.size(); ++p) {
        if (!run[p]) continue;
        rounds.push_back({profiles[p].name, peer});
        states[p].stage =
            profiles[p].targets ? ProfileState::Stage::ran : ProfileState::Stage::failed;
        if (profiles[p].targets) states[p].targets = *profiles[p].targets;
      }
    }
    return fail(Code::internal, "the handler never ends");
  }

  // "decode prefill"
  std::string order() const {
    std::string all;
    for (const Round& round : rounds) all += (all.empty() ? "" : " ") + round.ran;
    return all;
  }

  // A decision with these results, as hooks see it.
  Decision decision(std::size_t primary) const {
    auto plan = std::make_shared<Plan>();
    Decision made;
    for (std::size_t p = 0; p < profiles.size(); ++p) {
      plan->profiles.push_back({.name = profiles[p].name});
      if (states[p].stage == ProfileState::Stage::not_run) continue;
      if (states[p].stage == ProfileState::Stage::skipped) continue;
      if (p == primary) made.primary = static_cast<std::int32_t>(made.runs.size());
      ProfileRun run{.profile = static_cast<std::uint16_t>(p),
                     .failed = !profiles[p].targets,
                     .first_pick = static_cast<std::uint32_t>(made.picks.size())};
      if (profiles[p].targets) {
        run.picks = static_cast<std::uint32_t>(profiles[p].targets->size());
        made.picks.insert(made.picks.end(), profiles[p].targets->begin(),
                          profiles[p].targets->end());
      }
      made.runs.push_back(run);
    }
    made.plan = std::move(plan);
    return made;
  }
};

// The plugins that a handler may look up.
struct NamedPlugins final : Plugins {
  std::map<std::string, Instance, std::less<>> all;
  const Instance* find(std::string_view name) const override {
    const auto found = all.find(name);
    return found == all.end() ? nullptr : &found->second;
  }
};

// The headers that a hook sets and removes.
struct HookRig {
  Scene& scene;
  HeaderEdits edits;
  Samples samples;

  explicit HookRig(Scene& used) : scene(used) { edits.reset(scene.arena); }

  void dispatch(Hook& hook, const Decision& decision) {
    Effects effects{samples, edits};
    hook.dispatched(scene.context(), decision, effects);
  }
  std::string header(std::string_view name) const {
    for (const Header& line : edits.lines()) {
      if (line.name == name) return std::string(line.value);
    }
    return "";
  }
  bool removed(std::string_view name) const {
    return std::ranges::find(edits.removed(), name) != edits.removed().end();
  }
};

}  // namespace pointsman::testing
