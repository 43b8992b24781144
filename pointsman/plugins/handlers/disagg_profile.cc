#include "pointsman/plugins/handlers/disagg_profile.h"

#include <algorithm>
#include <utility>

#include "pointsman/plugins/handlers/request_media.h"

namespace pointsman {
namespace {

using Stage = ProfileState::Stage;
constexpr std::string_view kDecision = "llm_d.epp.profile_handler.decision";

bool ran(const ProfileState* state) {
  return state != nullptr && state->stage == Stage::ran;
}
bool has_targets(const ProfileState* state) {
  return ran(state) && !state->targets.empty();
}
bool pending(const ProfileState* state) {
  return state != nullptr && state->stage == Stage::not_run;
}

// The profile of that name, or nullptr.
template <typename State>
State* find(std::span<State> profiles, std::string_view name) {
  const auto found = std::ranges::find(profiles, name, &ProfileState::name);
  return found == profiles.end() ? nullptr : &*found;
}

}  // namespace

std::string_view decision_type(bool encode, bool prefill) {
  if (encode) return prefill ? "encode-prefill-decode" : "encode-decode";
  return prefill ? "prefill-decode" : "decode-only";
}

Result<std::shared_ptr<const Decider>> find_decider(const Plugins& plugins, std::string_view name,
                                                    std::string_view stage) {
  const Instance* const found = plugins.find(name);
  if (found == nullptr) {
    return fail(Code::invalid_config,
                "deciders." + std::string(stage) + " plugin not found: " + std::string(name));
  }
  if (found->decider == nullptr) {
    return fail(Code::invalid_config, "plugin " + std::string(name) + " does not implement " +
                                          std::string(stage) + "DeciderPlugin");
  }
  return found->decider;
}

DisaggProfileHandler::DisaggProfileHandler(Params params, Setup& setup)
    : params_(std::move(params)), headers_(params_.profiles.prefill, params_.profiles.encode) {
  // Required whatever the deciders read, as in the reference: configurations rely on the producers
  // that are created for them.
  (void)setup.reads<PrefixMatch>({"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"});
  (void)setup.reads_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"});
}

Result<void> DisaggProfileHandler::link(const Plugins& plugins) {
  if (!params_.deciders.prefill.empty()) {
    POINTSMAN_TRY(decider, find_decider(plugins, params_.deciders.prefill, "prefill"));
    prefill_decider_ = std::move(decider);
  }
  if (!params_.deciders.encode.empty()) {
    POINTSMAN_TRY(decider, find_decider(plugins, params_.deciders.encode, "encode"));
    encode_decider_ = std::move(decider);
  }
  return {};
}

DisaggProfileHandler::Stages DisaggProfileHandler::stages(std::span<ProfileState> profiles) const {
  return {find(profiles, params_.profiles.decode), find(profiles, params_.profiles.prefill),
          find(profiles, params_.profiles.encode)};
}

void DisaggProfileHandler::choose(const Context& context, std::span<ProfileState> profiles,
                                  std::span<bool> run) const {
  auto scope = context.trace.enter("pick_disagg_profile", SpanScope::plugins);
  set_request_and_media(scope, context.request);
  const ProfileState* const chosen = next(context, stages(profiles), scope);
  if (chosen != nullptr) run[static_cast<std::size_t>(chosen - profiles.data())] = true;
}

ProfileState* DisaggProfileHandler::next(const Context& context, const Stages& s,
                                         Trace::Scope& scope) const {
  const bool decoded = s.decode != nullptr && s.decode->stage != Stage::not_run;
  if (params_.prefill_first && !decoded) {
    if (pending(s.prefill)) {
      scope.set(kDecision, "run_prefill");
      return s.prefill;
    }
    if (ProfileState* const encode = next_encode(context, s, kNoEndpoint, scope)) return encode;
  }
  if (!decoded) {
    scope.set(kDecision, s.decode == nullptr ? "error_missing_decode_profile" : "run_decode");
    return s.decode;
  }
  if (!has_targets(s.decode)) {
    scope.set("llm_d.epp.profile_handler.decode_failed", true);
    scope.set(kDecision, "complete");
    return nullptr;
  }
  const EndpointIndex decoder = s.decode->targets.front();
  if (!params_.prefill_first) {
    if (ProfileState* const encode = next_encode(context, s, decoder, scope)) return encode;
    if (pending(s.prefill)) {
      if (prefill_decider_ != nullptr && prefill_decider_->disaggregate(context, decoder)) {
        scope.set(kDecision, "run_prefill");
        return s.prefill;
      }
      s.prefill->stage = Stage::skipped;
      scope.set("llm_d.epp.profile_handler.prefill_skipped", true);
    }
  }
  if (scope.recording()) {
    scope.set(kDecision, "complete_" + std::string(decision_type(ran(s.encode), ran(s.prefill))));
  }
  return nullptr;
}

ProfileState* DisaggProfileHandler::next_encode(const Context& context, const Stages& s,
                                                EndpointIndex decoder, Trace::Scope& scope) const {
  if (!pending(s.encode)) return nullptr;
  if (encode_decider_ != nullptr && encode_decider_->disaggregate(context, decoder)) {
    scope.set(kDecision, "run_encode");
    return s.encode;
  }
  s.encode->stage = Stage::skipped;
  scope.set("llm_d.epp.profile_handler.encode_skipped", true);
  return nullptr;
}

EndpointIndex DisaggProfileHandler::peer(const Context& /*context*/,
                                         std::span<const ProfileState> profiles) const {
  if (pending(find(profiles, params_.profiles.encode))) return kNoEndpoint;
  const ProfileState* const first =
      find(profiles, params_.prefill_first ? params_.profiles.prefill : params_.profiles.decode);
  return has_targets(first) ? first->targets.front() : kNoEndpoint;
}

Result<std::size_t> DisaggProfileHandler::conclude(const Context& /*context*/,
                                                   std::span<const ProfileState> profiles) const {
  const ProfileState* const decode = find(profiles, params_.profiles.decode);
  if (!has_targets(decode)) {
    return fail(Code::resource_exhausted, "failed to find available decode workers");
  }
  return static_cast<std::size_t>(decode - profiles.data());
}

Result<void> DisaggProfileHandler::dispatched(const Context& context, const Decision& decision,
                                              Effects& effects) {
  const bool encode = run_of(decision, params_.profiles.encode) != nullptr;
  const bool prefill = run_of(decision, params_.profiles.prefill) != nullptr;
  effects.samples.add("disagg_decision_total", 1.0, kNoEndpoint, decision_type(encode, prefill));
  headers_.dispatched(context, decision, effects.headers);
  return {};
}

}  // namespace pointsman
