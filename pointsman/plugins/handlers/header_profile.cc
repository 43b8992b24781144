#include "pointsman/plugins/handlers/header_profile.h"

#include <algorithm>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

using Stage = ProfileState::Stage;

}  // namespace

HeaderProfileHandler::HeaderProfileHandler(const Params& params, Setup& setup)
    : header_(to_lower(trim(params.header, kLineBlank))),
      default_profile_(trim(params.default_profile, kLineBlank)) {
  setup.reads_header(header_);
}

void HeaderProfileHandler::choose(const Context& context, std::span<ProfileState> profiles,
                                  std::span<bool> run) const {
  if (std::ranges::any_of(profiles, [](const auto& p) { return p.stage != Stage::not_run; })) {
    return;
  }
  if (profiles.size() == 1) {
    run[0] = true;
    return;
  }
  const std::string_view asked = trim(context.request.header(header_), kLineBlank);
  const std::string_view wanted = asked.empty() ? std::string_view(default_profile_) : asked;
  for (std::size_t p = 0; p < profiles.size(); ++p) {
    if (profiles[p].name != wanted) continue;
    run[p] = true;
    return;
  }
}

Result<std::size_t> HeaderProfileHandler::conclude(const Context& context,
                                                   std::span<const ProfileState> profiles) const {
  const auto tried = [](const ProfileState& p) { return p.stage != Stage::not_run; };
  const auto found = std::ranges::find_if(profiles, tried);
  if (found == profiles.end()) {
    const std::string_view asked = trim(context.request.header(header_), kLineBlank);
    if (asked.empty()) {
      return fail(Code::bad_request, "header profile handler: missing \"" + header_ + "\" header");
    }
    return fail(Code::bad_request,
                "header profile handler: no scheduling profile configured for \"" + header_ +
                    "\" header value \"" + std::string(asked) + "\"");
  }
  const auto count = std::ranges::count_if(profiles, tried);
  if (count > 1) {
    return fail(Code::internal,
                "header profile handler is intended to run a single profile per request, got " +
                    std::to_string(count));
  }
  if (found->stage != Stage::ran) {
    return fail(Code::resource_exhausted,
                "failed to run scheduler profile '" + std::string(found->name) + "'");
  }
  return static_cast<std::size_t>(found - profiles.begin());
}

}  // namespace pointsman
