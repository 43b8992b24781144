#include "pointsman/plugins/handlers/pd_profile.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "pointsman/plugins/handlers/data_parallel.h"
#include "pointsman/plugins/handlers/request_media.h"
#include "pointsman/plugins/handlers/stage_headers.h"

namespace pointsman {
namespace {

using Stage = ProfileState::Stage;
constexpr std::string_view kDecision = "llm_d.epp.profile_handler.decision";
constexpr std::string_view kSelected = "llm_d.epp.profile_handler.selected_profile";

// The position of the profile, or profiles.size().
std::size_t position(std::span<const ProfileState> profiles, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(profiles, name, &ProfileState::name) -
                                  profiles.begin());
}

}  // namespace

Result<void> PdProfileParams::check(const PdProfileParams& params) {
  if (auto port = check_primary_port(params.primary_port); !port) return port;
  if (params.decider.empty()) {
    return fail(Code::invalid_config, "decider plugin name is not defined");
  }
  return {};
}

PdProfileHandler::PdProfileHandler(Params params, Setup& /*setup*/) : params_(std::move(params)) {}

Result<void> PdProfileHandler::link(const Plugins& plugins) {
  const Instance* const found = plugins.find(params_.decider);
  if (found == nullptr) {
    return fail(Code::invalid_config,
                "decider plugin not found: " + params_.decider +
                    "; declare it under plugins, such as 'type: " + "prefix-based-pd-decider'");
  }
  if (found->decider == nullptr) {
    return fail(Code::invalid_config, "plugin " + params_.decider + " is not a decider");
  }
  decider_ = found->decider;
  return {};
}

void PdProfileHandler::choose(const Context& context, std::span<ProfileState> profiles,
                              std::span<bool> run) const {
  auto scope = context.trace.enter("pick_pd_profile", SpanScope::plugins);
  if (scope.recording()) {
    const auto executed = std::ranges::count_if(
        profiles, [](const ProfileState& p) { return p.stage != Stage::not_run; });
    scope.set("llm_d.epp.profile_handler.total_profiles", profiles.size());
    scope.set("llm_d.epp.profile_handler.executed_profiles", static_cast<std::int64_t>(executed));
    set_request_and_media(scope, context.request);
  }
  const std::size_t d = position(profiles, params_.decode);
  const std::size_t p = position(profiles, params_.prefill);
  if (d < profiles.size() && profiles[d].stage == Stage::not_run) {
    scope.set(kDecision, "run_decode");
    scope.set(kSelected, profiles[d].name);
    run[d] = true;
    return;
  }
  const bool decoded = d < profiles.size() && profiles[d].stage == Stage::ran;
  const bool done = p == profiles.size() || profiles[p].stage != Stage::not_run;
  if (!decoded || done || profiles[d].targets.empty()) {
    scope.set("llm_d.epp.profile_handler.decode_failed", !decoded);
    scope.set(kDecision, "complete");
    return;
  }
  if (!decider_->disaggregate(context, profiles[d].targets.front())) {
    profiles[p].stage = Stage::skipped;
    scope.set(kDecision, "decode_only");
    return;
  }
  scope.set(kDecision, "prefill_decode");
  scope.set(kSelected, profiles[p].name);
  run[p] = true;
}

Result<std::size_t> PdProfileHandler::conclude(const Context& /*context*/,
                                               std::span<const ProfileState> profiles) const {
  const std::size_t d = position(profiles, params_.decode);
  if (d == profiles.size() || profiles[d].stage != Stage::ran || profiles[d].targets.empty()) {
    return fail(Code::resource_exhausted, "failed to find available decode workers");
  }
  return d;
}

std::optional<std::uint16_t> PdProfileHandler::target_port() const {
  if (params_.primary_port == 0) return std::nullopt;
  return static_cast<std::uint16_t>(params_.primary_port);
}

Result<void> PdProfileHandler::dispatched(const Context& context, const Decision& decision,
                                          Effects& effects) {
  // Counted when the decider said yes, even if no prefill server was found then.
  const bool prefill = std::ranges::any_of(decision.runs, [&](const ProfileRun& run) {
    return decision.plan->profiles[run.profile].name == params_.prefill;
  });
  effects.samples.add("pd_decision_total", 1.0, kNoEndpoint,
                      prefill ? "prefill-decode" : "decode-only");
  if (params_.primary_port != 0) name_rank(context, decision, effects.headers);
  return {};
}

}  // namespace pointsman
