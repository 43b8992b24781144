#pragma once

#include "pointsman/config/diagnostic.h"
#include "pointsman/config/endpoint_picker_config.h"
#include "pointsman/engine/plugin_set.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// The checks of spec/02 section 3.2, in the reference's order. They return every problem found,
// with the leaf texts of that table.

// Types given and known, names unique. Needs no plugin built.
Diagnostics check_plugins(const EndpointPickerConfig& config, const Registry& registry);

// Profiles, saturation detector and parsers refer to what exists.
Diagnostics check_references(const EndpointPickerConfig& config, const PluginSet& plugins);

// No Alpha plugin unless allowed; by instance name.
Diagnostics check_stability(const PluginSet& plugins, bool allow_experimental);

}  // namespace pointsman
