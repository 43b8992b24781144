#pragma once

#include <span>
#include <string_view>

#include "pointsman/config/diagnostic.h"
#include "pointsman/config/endpoint_picker_config.h"
#include "pointsman/engine/plugin_set.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// The checks of spec/02 section 3.2, in the reference's order. They return every problem found,
// with the leaf texts of that table.

// Types given and known, names unique. Needs no plugin built.
// `known_types`: those that a build may lack; they are refused as not there yet.
Diagnostics check_plugins(const EndpointPickerConfig& config, const Registry& registry,
                          std::span<const std::string_view> known_types = {});

// Profiles and saturation detector refer to what is there, or at least listed. Parsers have been
// looked for when defaults were injected.
Diagnostics check_references(const EndpointPickerConfig& config, const PluginSet& plugins);

// No Alpha plugin unless allowed; by instance name.
Diagnostics check_stability(const EndpointPickerConfig& config, const PluginSet& plugins,
                            bool allow_experimental);

}  // namespace pointsman
