#include "pointsman/plugins/handlers/stage_headers.h"

#include <string_view>

#include "pointsman/plugins/handlers/request_media.h"

namespace pointsman {
namespace {

// What the two stages' attributes are called.
struct Names {
  std::string_view used;
  std::string_view reason;
  std::string_view no_result;
  std::string_view no_targets;
};
constexpr Names kPrefillNames{"llm_d.epp.pd.disaggregation_used", "llm_d.epp.pd.reason",
                              "no_prefill_profile_result", "no_prefill_profile_target_endpoints"};
constexpr Names kEncodeNames{"llm_d.epp.encode.disaggregation_used", "llm_d.epp.encode.reason",
                             "no_encode_profile_result", "no_encode_profile_target_endpoints"};

// The endpoints of a stage; when there are none, the span says why.
std::span<const EndpointIndex> targets(const Decision& decision, std::string_view profile,
                                       const Names& names, Trace::Scope& scope) {
  const ProfileRun* const run = run_of(decision, profile);
  const auto picks = run == nullptr ? std::span<const EndpointIndex>() : decision.picks_of(*run);
  scope.set(names.used, !picks.empty());
  if (picks.empty()) scope.set(names.reason, run == nullptr ? names.no_result : names.no_targets);
  return picks;
}

}  // namespace

const ProfileRun* run_of(const Decision& decision, std::string_view profile) {
  for (const ProfileRun& run : decision.runs) {
    if (!run.failed && decision.plan->profiles[run.profile].name == profile) return &run;
  }
  return nullptr;
}

void StageHeaders::dispatched(const Context& context, const Decision& decision,
                              HeaderEdits& headers) const {
  auto scope = context.trace.enter("prepare_disaggregation", SpanScope::plugins);
  set_request_and_media(scope, context.request);
  headers.remove(kPrefiller);
  headers.remove(kEncoders);

  if (const auto picks = targets(decision, prefill_, kPrefillNames, scope); !picks.empty()) {
    const Endpoint& prefiller = context.fleet[picks.front()];
    headers.set(kPrefiller, prefiller.host_port);
    if (scope.recording()) {
      scope.set("llm_d.epp.pd.prefill_pod_address", prefiller.address);
      scope.set("llm_d.epp.pd.prefill_pod_port", std::to_string(prefiller.port));
    }
  }
  if (const auto picks = targets(decision, encode_, kEncodeNames, scope); !picks.empty()) {
    std::string all;
    for (const EndpointIndex e : picks) {
      if (!all.empty()) all += ',';
      all += context.fleet[e].host_port;
    }
    headers.set(kEncoders, all);
    scope.set("llm_d.epp.encode.endpoints", all);
  }
}

}  // namespace pointsman
