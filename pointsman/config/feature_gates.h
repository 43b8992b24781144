#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace pointsman {

// Switches by name.
using FeatureGates = std::map<std::string, bool, std::less<>>;

// The gates that a configuration may name, with their defaults (spec/02 section 2).
const FeatureGates& registered_gates();

// An entry that is wrong.
struct GateProblem {
  std::size_t entry = 0;
  std::string text;  // without the prefix `feature gate validation failed: `
  std::string hint = {};
};

struct ResolvedGates {
  FeatureGates gates;  // the registered ones, overlaid with the good entries; the last wins
  std::vector<GateProblem> problems;
};

// Reads `name` or `name=value` entries. `missing` names gates that exist but whose `true` this
// build cannot honour: they are refused.
ResolvedGates resolve_gates(std::span<const std::string> entries, const FeatureGates& registered,
                            std::span<const std::string> missing = {});

}  // namespace pointsman
