#pragma once

#include <span>

#include "pointsman/model/decision.h"
#include "pointsman/model/fleet.h"
#include "pointsman/model/request.h"
#include "pointsman/model/trace.h"

namespace pointsman {

// The attributes of scheduling spans (spec/01 section 5.3) that take more than one line. All of
// them do nothing when the scope does not record.

// gen_ai.request.model and gen_ai.request.id, each only when there is one.
void set_request(Trace::Scope& scope, const Request& request);

// score.max, score.avg and endpoints_scored over the raw scores that are not NaN; none when all
// are.
void set_scores(Trace::Scope& scope, std::span<const double> raw);

// top_endpoints and top_scores: the best five by total, ties by endpoint id; none when there are no
// candidates.
void set_top(Trace::Scope& scope, const Fleet& fleet, std::span<const EndpointIndex> candidates,
             std::span<const double> totals);

// The whole matrix as one event `pointsman.decision` (--trace-decision-matrix): JSON with the
// scorers, their weights and, for the best endpoints by total, the raw scores; as many as fit into
// 1.5 KiB.
void set_matrix(Trace::Scope& scope, const Fleet& fleet, const Decision& decision,
                const ProfileRun& run);

}  // namespace pointsman
