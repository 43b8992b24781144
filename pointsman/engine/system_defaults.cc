#include "pointsman/engine/system_defaults.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace pointsman {
namespace {

Result<void> scheduling(EndpointPickerConfig& config, PluginSet& plugins) {
  auto& profiles = config.scheduling_profiles;
  if (profiles.empty()) {
    SchedulingProfile profile{.name = "default", .plugins = {}, .place = {}};
    for (const auto& instance : plugins.all()) {
      if (instance->filter != nullptr || instance->scorer != nullptr ||
          instance->picker != nullptr) {
        profile.plugins.push_back({.plugin_ref = instance->name.name, .weight = {}, .place = {}});
      }
    }
    profiles.push_back(std::move(profile));
  }
  const bool handled = std::ranges::any_of(
      plugins.all(), [](const auto& instance) { return instance->handler != nullptr; });
  if (profiles.size() == 1 && !handled) {
    if (auto done = plugins.inject("single-profile-handler"); !done) return done;
  }

  const auto picks = [](const auto& instance) { return instance->picker != nullptr; };
  const auto picker = [&]() -> const Instance* {
    for (const auto& instance : plugins.all()) {
      if (picks(instance) && instance->type == "max-score-picker") return instance.get();
    }
    const auto first = std::ranges::find_if(plugins.all(), picks);
    return first == plugins.all().end() ? nullptr : first->get();
  };
  if (picker() == nullptr) {
    if (auto done = plugins.inject("max-score-picker"); !done) return done;
  }
  for (SchedulingProfile& profile : profiles) {
    bool has_picker = false;
    for (SchedulingPlugin& plugin : profile.plugins) {
      const Instance* const instance = plugins.find(plugin.plugin_ref);
      if (instance == nullptr) continue;  // validation names it
      if (instance->scorer != nullptr && !plugin.weight) plugin.weight = 1.0;
      has_picker = has_picker || instance->picker != nullptr;
    }
    if (!has_picker) {
      profile.plugins.push_back(
          {.plugin_ref = picker()->name.name, .weight = {}, .place = profile.place});
    }
  }
  return {};
}

Result<void> flow_policies(EndpointPickerConfig& /*config*/, PluginSet& plugins) {
  constexpr std::array<std::string_view, 3> kPolicies{
      "fcfs-ordering-policy", "global-strict-fairness-policy", "static-usage-limit-policy"};
  for (const std::string_view policy : kPolicies) {
    if (auto done = plugins.inject(policy); !done) return done;
  }
  return {};
}

Result<void> parsers(EndpointPickerConfig& config, PluginSet& plugins) {
  if (!config.request_handler) config.request_handler.emplace();
  auto& list = config.request_handler->parsers;
  if (list.empty()) {
    // The fallback stands last: the table ends with the first parser that claims no path.
    constexpr std::array<std::string_view, 4> kParsers{"openai-parser", "anthropic-parser",
                                                       "vllmhttp-parser", "passthrough-parser"};
    for (const std::string_view parser : kParsers) {
      list.push_back({.plugin_ref = std::string(parser), .place = {}});
    }
  }
  for (const PluginRef& parser : list) {
    if (auto done = plugins.inject(parser.plugin_ref); !done) return done;
  }
  return {};
}

Result<void> saturation(EndpointPickerConfig& config, PluginSet& plugins) {
  constexpr std::string_view kDefault = "utilization-detector";
  if (!config.flow_control) config.flow_control.emplace();
  auto& detector = config.flow_control->saturation_detector;
  if (!detector) detector.emplace();
  if (detector->plugin_ref.empty()) detector->plugin_ref = kDefault;
  return detector->plugin_ref == kDefault ? plugins.inject(kDefault) : Result<void>();
}

Result<void> data_layer(EndpointPickerConfig& config, PluginSet& plugins) {
  constexpr std::string_view kSource = "metrics-data-source";
  constexpr std::string_view kExtractor = "core-metrics-extractor";
  if (!config.data_layer) config.data_layer.emplace();
  if (!config.data_layer->inject_defaults) return {};
  const bool has_source = std::ranges::any_of(config.data_layer->sources, [&](const auto& source) {
    const Instance* const instance = plugins.find(source.plugin_ref);
    return source.plugin_ref == kSource || (instance != nullptr && instance->type == kSource);
  });
  if (has_source) return {};
  if (auto done = plugins.inject(kSource); !done) return done;
  if (auto done = plugins.inject(kExtractor); !done) return done;
  config.data_layer->sources.push_back(
      {.plugin_ref = std::string(kSource),
       .extractors = {{.plugin_ref = std::string(kExtractor), .place = {}}},
       .place = {}});
  return {};
}

}  // namespace

Result<void> apply_system_defaults(EndpointPickerConfig& config, PluginSet& plugins) {
  struct Step {
    std::string_view name;
    Result<void> (*apply)(EndpointPickerConfig&, PluginSet&);
  };
  constexpr std::array<Step, 5> kSteps{{{"scheduling system", scheduling},
                                        {"flow control system", flow_policies},
                                        {"parser", parsers},
                                        {"saturation detector", saturation},
                                        {"data layer", data_layer}}};
  for (const Step& step : kSteps) {
    if (auto done = step.apply(config, plugins); !done) {
      return fail(Code::invalid_config, "system default application failed: failed to apply " +
                                            std::string(step.name) +
                                            " defaults: " + done.error().message);
    }
  }
  return {};
}

void list_injected(EndpointPickerConfig& config, const PluginSet& plugins) {
  for (const std::string& name : plugins.injected()) {
    const bool listed = std::ranges::any_of(
        config.plugins, [&](const PluginSpec& spec) { return spec.name == name; });
    if (!listed) config.plugins.push_back({.name = name, .type = name, .place = {}});
  }
}

}  // namespace pointsman
