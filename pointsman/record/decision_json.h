#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "pointsman/model/decision.h"
#include "pointsman/model/fleet.h"

namespace pointsman {

// One decision as a JSON object, whole: candidates with every score, weight, signal and age, what
// the filters dropped and why, the pick, the explanation, timings in microseconds, the outcome.
std::string decision_json(const Decision& decision, const Outcome& outcome);

// The same in one short object, for lists.
std::string decision_summary_json(const Decision& decision, const Outcome& outcome);

// What the router has seen of an endpoint whose requests failed.
struct EndpointTrouble {
  std::size_t failures = 0;   // in a row
  std::size_t ejections = 0;  // in a row
  Clock::duration out_for{};  // left out for so much longer; zero: it gets requests
};
using FindTrouble = std::function<std::optional<EndpointTrouble>(EndpointKey)>;

// All endpoints with their signals and ages, models and trouble, as a JSON object.
std::string fleet_json(const Fleet& fleet, Clock::time_point now, const FindTrouble& trouble = {});

}  // namespace pointsman
