#pragma once

#include <span>
#include <string>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

// Runs the one profile there is.
class SingleProfileHandler final : public ProfileHandler {
 public:
  using Params = NoParams;
  static constexpr std::string_view kType = "single-profile-handler";
  static constexpr std::string_view kHelp = "Runs the one scheduling profile.";

  SingleProfileHandler(Params params, Setup& setup);
  Result<void> check(std::span<const std::string> profiles) const override;
  void choose(const Context& context, std::span<ProfileState> profiles,
              std::span<bool> run) const override;
  Result<std::size_t> conclude(const Context& context,
                               std::span<const ProfileState> profiles) const override;
};

}  // namespace pointsman
