#pragma once

#include <chrono>
#include <string>

#include "pointsman/engine/plugin_set.h"
#include "pointsman/model/fleet.h"

namespace pointsman {

// What plugins remember, as the reference's page /debug/plugins/state shows it (spec/02 section
// 13.5): a JSON object, plugins in the order of their names.
// Threading: any thread, beside requests.
std::string plugin_state_json(const PluginSet& plugins, const Fleet& fleet,
                              std::chrono::system_clock::time_point now);

}  // namespace pointsman
