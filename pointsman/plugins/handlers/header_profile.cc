#include "pointsman/plugins/handlers/header_profile.h"

#include <algorithm>

namespace pointsman {
namespace {

using Stage = ProfileState::Stage;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

HeaderProfileHandler::HeaderProfileHandler(Params params, Setup& /*setup*/)
    : header_(lower(trim(params.header))), default_profile_(trim(params.default_profile)) {}

void HeaderProfileHandler::choose(const Context& context, std::span<ProfileState> profiles,
                                  std::span<bool> run) const {
  if (std::ranges::any_of(profiles, [](const auto& p) { return p.stage != Stage::not_run; })) {
    return;
  }
  if (profiles.size() == 1) {
    run[0] = true;
    return;
  }
  const std::string_view asked = trim(context.request.header(header_));
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
    const std::string_view asked = trim(context.request.header(header_));
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
