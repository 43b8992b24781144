#pragma once

#include <string>

#include "pointsman/model/decision.h"
#include "pointsman/model/fleet.h"
#include "pointsman/stage/endpoint_gate.h"

namespace pointsman {

// One decision as a JSON object, whole: candidates with every score, weight, signal and age, what
// the filters dropped and why, the pick, the explanation, timings in microseconds, the outcome.
std::string decision_json(const Decision& decision, const Outcome& outcome);

// The same in one short object, for lists.
std::string decision_summary_json(const Decision& decision, const Outcome& outcome);

// All endpoints with their signals and ages, models and trouble (of those gates), as a JSON object.
std::string fleet_json(const Fleet& fleet, Clock::time_point now, const EndpointGates& gates = {});

}  // namespace pointsman
