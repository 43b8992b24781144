#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/base/result.h"
#include "pointsman/stage/context.h"

namespace pointsman {

// Where one profile stands in this request's scheduling.
struct ProfileState {
  enum class Stage : std::uint8_t { not_run, skipped, failed, ran };
  std::string_view name;
  Stage stage = Stage::not_run;
  std::span<const EndpointIndex> targets;  // when it ran
};

// Chooses which profiles run for a request, and which one decides where it goes.
class ProfileHandler {
 public:
  virtual ~ProfileHandler() = default;

  // Whether it can work with these profiles. Called once, when the configuration is loaded.
  virtual Result<void> check(std::span<const std::string> /*profiles*/) const { return {}; }

  // Sets `run` for the profiles to run next; none ends the loop. It may mark a profile that has
  // not run as skipped. REQUIRES: run.size() == profiles.size(); `run` comes all false.
  // Threading: called concurrently. Must not block, allocate or log.
  virtual void choose(const Context& context, std::span<ProfileState> profiles,
                      std::span<bool> run) const = 0;

  // The endpoint to which those of the profiles about to run should be near: Context::peer of
  // their filters and scorers. Asked after every choose() that asks for a run.
  virtual EndpointIndex peer(const Context& /*context*/,
                             std::span<const ProfileState> /*profiles*/) const {
    return kNoEndpoint;
  }

  // The port to which requests go, whatever port the picked endpoint has; nothing: the endpoint's.
  virtual std::optional<std::uint16_t> target_port() const { return std::nullopt; }

  // The index of the primary profile, whose targets the request goes to.
  virtual Result<std::size_t> conclude(const Context& context,
                                       std::span<const ProfileState> profiles) const = 0;
};

}  // namespace pointsman
