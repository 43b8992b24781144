#pragma once

#include "pointsman/config/diagnostic.h"
#include "pointsman/config/endpoint_picker_config.h"
#include "pointsman/config/feature_gates.h"
#include "pointsman/engine/plugin_set.h"

namespace pointsman {

// Warnings of what is legal but surely not meant: a plugin that reads an injected producer although
// another one of that kind is configured; a limit of a priority band, perhaps a hidden default,
// below a global limit; weights that leave a scorer without a say. `config` is the effective one,
// with plugins injected and listed.
Diagnostics surely_not_meant(const EndpointPickerConfig& config, const FeatureGates& gates,
                             const PluginSet& plugins);

}  // namespace pointsman
