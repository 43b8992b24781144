#include "pointsman/plugins/filters/session_affinity.h"

#include <algorithm>

namespace pointsman {

SessionAffinityFilter::SessionAffinityFilter(const Params& params, Setup& setup)
    : affinity_(params, setup, std::make_shared<SessionBindings>()) {}

void SessionAffinityFilter::filter(const Context& context, Candidates& candidates) const {
  const EndpointIndex target = affinity_.target(context);
  candidates.keep_if_any(DropReason::session, [target](EndpointIndex e) { return e == target; });
}

SessionAffinityScorer::SessionAffinityScorer(const Params& params, Setup& setup)
    : affinity_(params, setup, std::make_shared<SessionBindings>()) {}

void SessionAffinityScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                                  std::span<double> out) const {
  const EndpointIndex target = affinity_.target(context);
  std::ranges::transform(candidates, out.begin(),
                         [target](EndpointIndex e) { return e == target ? 1.0 : 0.0; });
}

Result<void> SessionAffinityFilter::produce(const Context& context,
                                            std::span<const EndpointIndex> /*candidates*/,
                                            Signals& signals) const {
  affinity_.read(context, signals);
  return {};
}

void SessionAffinityFilter::dispatched(const Context& context, const Decision& decision,
                                       Effects& /*effects*/) {
  affinity_.dispatched(context, decision);
}

void SessionAffinityFilter::answered(const Context& context, const Decision& decision,
                                     Effects& effects) {
  affinity_.answered(context, decision, effects.headers);
}

void SessionAffinityFilter::tend(const Fleet& /*fleet*/) {
  affinity_.sweep(Clock::now());
}

Result<void> SessionAffinityScorer::produce(const Context& context,
                                            std::span<const EndpointIndex> /*candidates*/,
                                            Signals& signals) const {
  affinity_.read(context, signals);
  return {};
}

void SessionAffinityScorer::dispatched(const Context& context, const Decision& decision,
                                       Effects& /*effects*/) {
  affinity_.dispatched(context, decision);
}

void SessionAffinityScorer::answered(const Context& context, const Decision& decision,
                                     Effects& effects) {
  affinity_.answered(context, decision, effects.headers);
}

void SessionAffinityScorer::tend(const Fleet& /*fleet*/) {
  affinity_.sweep(Clock::now());
}

}  // namespace pointsman
