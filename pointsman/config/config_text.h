#pragma once

#include <string>

#include "pointsman/config/endpoint_picker_config.h"
#include "pointsman/config/node.h"

namespace pointsman {

// The forms that the reference logs (spec/02 section 1.3): only what is written, `Key: value`
// joined by `, ` inside `{}`.
std::string to_string(const PluginSpec& plugin);
std::string to_string(const SchedulingPlugin& plugin);
std::string to_string(const SchedulingProfile& profile);
std::string to_string(const DataLayerConfig& data_layer);
std::string to_string(const FlowControlConfig& flow_control);
std::string to_string(const RequestHandlerConfig& request_handler);
std::string to_string(const EndpointPickerConfig& config);
// `{}` or `{a,b}`.
std::string feature_gates_text(const std::vector<std::string>& gates);

// The configuration as a document that load_config() reads back to the same, without the
// deprecated fields that have been moved.
Node to_node(const EndpointPickerConfig& config);

// A document as block YAML with two spaces of indentation; every text that YAML 1.1 could read
// as something else is quoted. Places are not kept.
std::string to_yaml(const Node& node);

}  // namespace pointsman
