#include "pointsman/plugins/handlers/single_profile.h"

#include <algorithm>

namespace pointsman {

SingleProfileHandler::SingleProfileHandler(Params /*params*/, Setup& /*setup*/) {}

Result<void> SingleProfileHandler::check(std::span<const std::string> profiles) const {
  if (profiles.size() > 1) {
    return fail(Code::invalid_config,
                "SingleProfileHandler cannot support multiple scheduling profiles");
  }
  return {};
}

void SingleProfileHandler::choose(const Context& /*context*/, std::span<ProfileState> profiles,
                                  std::span<bool> run) const {
  const bool all_ran = std::ranges::none_of(profiles, [](const ProfileState& profile) {
    return profile.stage == ProfileState::Stage::not_run;
  });
  if (!all_ran) std::ranges::fill(run, true);
}

Result<std::size_t> SingleProfileHandler::conclude(const Context& /*context*/,
                                                   std::span<const ProfileState> profiles) const {
  if (profiles.size() != 1) {
    return fail(Code::internal,
                "single profile handler is intended to be used with a single profile, failed to "
                "process multiple profiles");
  }
  if (profiles[0].stage != ProfileState::Stage::ran) {
    return fail(Code::internal,
                "failed to run scheduler profile '" + std::string(profiles[0].name) + "'");
  }
  return 0;
}

}  // namespace pointsman
