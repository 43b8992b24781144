#include "pointsman/engine/scheduler.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "pointsman/base/bug.h"

namespace pointsman {
namespace {

constexpr std::size_t kMaxProfiles = Scheduler::kMaxProfiles;

// A profile that failed. Kept in a vector, which allocates when something has gone wrong only.
struct Failure {
  std::size_t profile = 0;
  Error error;
};

// What went wrong when the handler has no result: the error of the first failed profile by name,
// which decides the client's status; without one the handler's own words. `whole` gets everything,
// a line each, for the record.
Error explain(const Error& handler, std::span<const ProfileState> states,
              std::vector<Failure>& failures, std::string& whole) {
  std::ranges::sort(failures, {}, [&](const Failure& f) { return states[f.profile].name; });
  whole = handler.message;
  for (const Failure& failure : failures) {
    whole += "\nprofile \"" + std::string(states[failure.profile].name) +
             "\": inference error: ResourceExhausted - " + failure.error.message;
  }
  if (!failures.empty()) return failures.front().error;
  return {Code::resource_exhausted, "failed to find target endpoint: " + handler.message};
}

}  // namespace

Scheduler::Scheduler(Handler handler, std::vector<Profile> profiles)
    : handler_(std::move(handler)), profiles_(std::move(profiles)) {
  if (profiles_.empty() || profiles_.size() > kMaxProfiles) bug("unchecked number of profiles");
  Plan plan{.handler = handler_.name, .target_port = handler_.handler->target_port()};
  for (const Profile& profile : profiles_) plan.profiles.push_back(profile.plan());
  plan_ = std::make_shared<const Plan>(std::move(plan));
}

Result<void> Scheduler::schedule(const Context& context, std::span<const EndpointIndex> candidates,
                                 Decision& decision, SchedulerShard& metrics) const {
  Laps laps(metrics);
  const auto began = laps.last();
  decision.plan = plan_;
  Result<void> result;
  try {
    result = run_profiles(context, candidates, decision, laps);
  } catch (...) {
    metrics.attempt_failed(context.request.target_model);
    metrics.observe_schedule(Clock::now() - began);
    throw;
  }
  decision.done = laps.last();
  metrics.observe_schedule(decision.done - began);
  const auto targets = decision.targets();
  if (!result) {
    if (decision.error.empty()) decision.error = result.error().message;
    metrics.attempt_failed(context.request.target_model);
  } else {
    const Endpoint* const first = targets.empty() ? nullptr : &context.fleet[targets[0]];
    metrics.attempt_succeeded(
        context.request.target_model, first,
        first == nullptr ? std::uint16_t{0} : plan_->target_port.value_or(first->port));
  }
  return result;
}

Result<void> Scheduler::run_profiles(const Context& context,
                                     std::span<const EndpointIndex> candidates, Decision& decision,
                                     Laps& laps) const {
  using Stage = ProfileState::Stage;
  Arena& arena = context.signals.arena();
  const auto states = arena.array<ProfileState>(profiles_.size());
  const auto run = arena.array<bool>(profiles_.size());
  const auto run_of = arena.array<std::int32_t>(profiles_.size());
  for (std::size_t p = 0; p < profiles_.size(); ++p) states[p].name = profiles_[p].name();
  std::vector<Failure> failures;

  // Every round runs at least one profile; a handler that never ends is stopped.
  for (std::size_t round = 0; round <= profiles_.size(); ++round) {
    std::ranges::fill(run, false);
    handler_.handler->choose(context, states, run);
    laps.lap(handler_.choose_timer);
    if (std::ranges::none_of(run, std::identity{})) break;
    if (round == profiles_.size()) {
      return fail(Code::internal, "profile handler '" + handler_.name.name +
                                      "' keeps asking for profiles that have run");
    }
    Context near = context;
    near.peer = handler_.handler->peer(context, states);
    for (std::size_t p = 0; p < profiles_.size(); ++p) {
      if (!run[p]) continue;
      const auto ran = profiles_[p].run(p, near, candidates, decision, laps);
      run_of[p] = static_cast<std::int32_t>(decision.runs.size()) - 1;
      states[p].stage = ran ? Stage::ran : Stage::failed;
      if (!ran) failures.push_back({p, ran.error()});
      // The picks may have moved with their vector: all targets are taken anew.
      for (std::size_t q = 0; q < profiles_.size(); ++q) {
        if (states[q].stage != Stage::ran) continue;
        states[q].targets = decision.picks_of(decision.runs[static_cast<std::size_t>(run_of[q])]);
      }
    }
  }

  if (std::ranges::all_of(states,
                          [](const ProfileState& s) { return s.stage == Stage::not_run; })) {
    // A handler that asked for nothing may say that the client is to blame.
    if (const auto blamed = handler_.handler->conclude(context, states);
        !blamed && blamed.error().code == Code::bad_request) {
      return std::unexpected(blamed.error());
    }
    return fail(Code::resource_exhausted,
                "failed to find target endpoint: failed to run any scheduler profile for request " +
                    std::string(context.request.id));
  }
  const auto primary = handler_.handler->conclude(context, states);
  laps.lap(handler_.conclude_timer);
  if (primary) {
    decision.primary = run_of[*primary];
    return {};
  }
  return std::unexpected(explain(primary.error(), states, failures, decision.error));
}

}  // namespace pointsman
