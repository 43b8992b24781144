#pragma once

#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct HeaderProfileParams {
  std::string header = "EPP-Profile";
  std::string default_profile = "decode";

  static constexpr auto fields() {
    using P = HeaderProfileParams;
    return std::tuple{
        field("headerName", &P::header, "The request header that names the profile."),
        field("defaultProfile", &P::default_profile, "The profile of requests without it.")};
  }
};

// Runs the profile that a request header names; the only one there is, whatever the header says.
class HeaderProfileHandler final : public ProfileHandler {
 public:
  using Params = HeaderProfileParams;
  static constexpr std::string_view kType = "header-profile-handler";
  static constexpr std::string_view kHelp = "Runs the scheduling profile that a header names.";

  HeaderProfileHandler(const Params& params, Setup& setup);
  void choose(const Context& context, std::span<ProfileState> profiles,
              std::span<bool> run) const override;
  // An unknown profile is the client's mistake: bad_request.
  Result<std::size_t> conclude(const Context& context,
                               std::span<const ProfileState> profiles) const override;

 private:
  std::string header_;
  std::string default_profile_;
};

}  // namespace pointsman
