#pragma once

#include <memory>

#include "pointsman/config/endpoint_picker_config.h"
#include "pointsman/engine/plugin_set.h"
#include "pointsman/model/inputs.h"

namespace pointsman {

// What a record of this pipeline's decisions must hold: the signals that somebody reads whose
// answers a replay repeats, in the order of their places, the declared headers, and the effective
// configuration.
std::shared_ptr<const InputSchema> input_schema(const EndpointPickerConfig& config,
                                                PluginSet& plugins);

}  // namespace pointsman
