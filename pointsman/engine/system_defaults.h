#pragma once

#include "pointsman/config/diagnostic.h"
#include "pointsman/config/endpoint_picker_config.h"
#include "pointsman/engine/plugin_set.h"

namespace pointsman {

// Completes a configuration with what it leaves out, in the order of spec/02 section 4: profiles,
// profile handler, picker and weights, flow-control policies, parsers, saturation detector, data
// layer. Injected plugins are built and listed in the configuration too.
//
// Differences to the reference: where it takes any of several (a picker, the order of an automatic
// profile), this takes the first in configuration order, and a listed max-score-picker before
// others; whether the metrics source is there is judged by type, not by name.
//
// Returns every problem, with the reference's text from `system default application failed: ` on.
Diagnostics apply_system_defaults(EndpointPickerConfig& config, PluginSet& plugins);

// Lists the plugins that were injected, here or as producers, in the configuration.
void list_injected(EndpointPickerConfig& config, const PluginSet& plugins);

}  // namespace pointsman
