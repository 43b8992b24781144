#include "pointsman/plugins/filters/session_affinity.h"

#include <algorithm>

namespace pointsman {

Result<void> SessionFollower::produce(const Context& context,
                                      std::span<const EndpointIndex> /*candidates*/,
                                      Signals& signals) const {
  affinity_.read(context, signals);
  return {};
}

Result<void> SessionFollower::dispatched(const Context& context, const Decision& decision,
                                         Effects& /*effects*/) {
  affinity_.dispatched(context, decision);
  return {};
}

void SessionFollower::answered(const Context& context, const Decision& decision,
                               const Answer& /*answer*/, Effects& effects) {
  affinity_.answered(context, decision, effects.headers);
}

void SessionFollower::tend(const Fleet& /*fleet*/) {
  affinity_.sweep(Clock::now());
}

void SessionAffinityFilter::filter(const Context& context, Candidates& candidates) const {
  const EndpointIndex target = affinity().target(context);
  candidates.keep_if_any(DropReason::session, [target](EndpointIndex e) { return e == target; });
}

void SessionAffinityScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                                  std::span<double> out) const {
  const EndpointIndex target = affinity().target(context);
  std::ranges::transform(candidates, out.begin(),
                         [target](EndpointIndex e) { return e == target ? 1.0 : 0.0; });
}

}  // namespace pointsman
