#pragma once

#include <memory>
#include <span>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/engine/profile.h"
#include "pointsman/stage/profile_handler.h"

namespace pointsman {

// Runs the profiles that the handler asks for and says where the request goes.
//
// Threading: schedule() may be called concurrently, with a decision and a shard per caller.
class Scheduler {
 public:
  // Profiles of one pipeline; more is refused when a configuration is loaded.
  static constexpr std::size_t kMaxProfiles = 16;

  struct Handler {
    TypedName name;
    std::shared_ptr<const ProfileHandler> handler;
    PluginTimer choose_timer;
    PluginTimer conclude_timer;
  };

  // REQUIRES: at least one profile; the handler has accepted them (ProfileHandler::check).
  Scheduler(Handler handler, std::vector<Profile> profiles);

  // The names behind every decision it makes.
  const std::shared_ptr<const Plan>& plan() const { return plan_; }

  // Fills the decision's runs and primary. decision.seed is set; the rest of it is untouched but
  // for `plan` and `error`. Errors: resource_exhausted when a profile's filters left nothing (its
  // text and drop reason, see spec/01 2.4), else what the handler says.
  // Allocates nothing in steady state when it succeeds. An exception of a plugin passes through.
  Result<void> schedule(const Context& context, std::span<const EndpointIndex> candidates,
                        Decision& decision, SchedulerShard& metrics) const;

 private:
  Result<void> run_profiles(const Context& context, std::span<const EndpointIndex> candidates,
                            Decision& decision, Laps& laps) const;

  Handler handler_;
  std::vector<Profile> profiles_;
  std::shared_ptr<const Plan> plan_;
};

}  // namespace pointsman
