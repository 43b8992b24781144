#pragma once

#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/config/diagnostic.h"
#include "pointsman/engine/plugin_set.h"

namespace pointsman {

// Creates a default producer for every required key that nobody produces, and for the keys those
// require, until none is missing (spec/01 section 1.10).
// Returns every problem, with the consumer's name as its path: `no default producer found for
// missing data key <key>, consumed by <consumer>`, `failed to instantiate data producer "<p>":
// <cause>, this is required by datakey: <key>, which is consumed by: <consumer>`; without the
// prefix `failed to create missing data producers - `.
Diagnostics create_missing_producers(PluginSet& plugins);

// The producers in the order they must run: what a producer reads is produced before it, otherwise
// configuration order. Optional reads count too, as far as they make no cycle.
// Errors: `data type mismatch between produced and consumed data for key: <key>`,
// `invalid plugin layer execution order: producer <p> needs to be executed before consumer <c>`,
// `cycle detected: graph is not a DAG`.
Result<std::vector<const Instance*>> order_producers(const PluginSet& plugins);

// A line for every key that a plugin reads if it is there and that nobody produces.
Diagnostics unproduced_keys(const PluginSet& plugins);

}  // namespace pointsman
