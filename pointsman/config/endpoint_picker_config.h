#pragma once

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "pointsman/config/config_sections.h"
#include "pointsman/config/node.h"
#include "pointsman/config/params.h"

namespace pointsman {

// The configuration document of spec/02 section 1.2, as plain structs. Each table of fields is
// the schema: what is read, checked, documented. Empty texts and absent optionals mean "not
// written"; defaults that depend on plugins are injected later, into these same structs.

struct PluginSpec {
  std::string name;
  std::string type;
  const Node* parameters = nullptr;  // null: not written; owned by EndpointPickerConfig::document
  Place place;

  static constexpr auto fields() {
    using P = PluginSpec;
    return std::tuple{field("name", &P::name, "Name of the instance; its type by default."),
                      field("type", &P::type, "Type of the plugin; required."),
                      field("parameters", &P::parameters, "An object that the type defines.")};
  }
};

struct SchedulingPlugin {
  std::string plugin_ref;
  std::optional<double> weight;
  Place place;

  static constexpr auto fields() {
    using P = SchedulingPlugin;
    return std::tuple{field("pluginRef", &P::plugin_ref, "Name of a plugin; required."),
                      field("weight", &P::weight, "Weight of a scorer; 1 by default.")};
  }
};

struct SchedulingProfile {
  std::string name;
  std::vector<SchedulingPlugin> plugins;
  Place place;

  static constexpr auto fields() {
    using P = SchedulingProfile;
    return std::tuple{
        field("name", &P::name, "Name of the profile; required, unique."),
        field("plugins", &P::plugins, "Filters and scorers in the order they run, and a picker.")};
  }
};

struct EndpointPickerConfig {
  std::string api_version;
  std::string kind;
  std::vector<std::string> feature_gates;
  std::vector<PluginSpec> plugins;
  std::vector<SchedulingProfile> scheduling_profiles;
  std::optional<DataLayerConfig> data_layer;
  std::optional<FlowControlConfig> flow_control;
  std::optional<RequestHandlerConfig> request_handler;
  std::optional<PluginRef> saturation_detector;  // deprecated
  std::optional<PluginRef> parser;               // deprecated

  // Keeps alive what PluginSpec::parameters point to.
  std::shared_ptr<const Node> document;
  // The only parser was written as `requestHandler.parser`: earlier releases' `vllmhttp-parser`
  // read the OpenAI paths too.
  bool legacy_parser = false;

  static constexpr auto fields() {
    using P = EndpointPickerConfig;
    return std::tuple{
        field("apiVersion", &P::api_version, "llm-d.ai/v1alpha1."),
        field("kind", &P::kind, "EndpointPickerConfig."),
        field("featureGates", &P::feature_gates, "Entries `name` or `name=value`."),
        field("plugins", &P::plugins, "Every plugin instance there is."),
        field("schedulingProfiles", &P::scheduling_profiles, "How endpoints are chosen."),
        field("dataLayer", &P::data_layer, "Endpoints and signals about them."),
        field("flowControl", &P::flow_control, "Who waits when endpoints are saturated."),
        field("requestHandler", &P::request_handler, "How requests are read."),
        field("saturationDetector", &P::saturation_detector,
              "Deprecated: use flowControl.saturationDetector."),
        field("parser", &P::parser, "Deprecated: use requestHandler.parsers."),
    };
  }
};

}  // namespace pointsman
