#include "pointsman/engine/system_defaults.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/config/nearest.h"

namespace pointsman {
namespace {

// Injects a plugin; what goes wrong is said at `place`. False then.
bool inject(PluginSet& plugins, std::string_view type, Place place, Diagnostics& problems) {
  const auto done = plugins.inject(type);
  if (done) return true;
  std::vector<std::string_view> types;
  for (const Registration* line : plugins.registry().all()) types.push_back(line->type);
  problems.push_back({.path = std::string(type),
                      .line = place.line,
                      .column = place.column,
                      .text = done.error().message,
                      .hint = suggestion(type, types)});
  return false;
}

void scheduling(EndpointPickerConfig& config, PluginSet& plugins, Diagnostics& problems) {
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
    inject(plugins, "single-profile-handler", {}, problems);
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
    if (!inject(plugins, "max-score-picker", {}, problems)) return;
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
}

void flow_policies(EndpointPickerConfig& /*config*/, PluginSet& plugins, Diagnostics& problems) {
  constexpr std::array<std::string_view, 3> kPolicies{
      "fcfs-ordering-policy", "global-strict-fairness-policy", "static-usage-limit-policy"};
  for (const std::string_view policy : kPolicies) {
    inject(plugins, policy, {}, problems);
  }
}

void parsers(EndpointPickerConfig& config, PluginSet& plugins, Diagnostics& problems) {
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
    // One that is listed and could not be built has been reported.
    const bool listed = std::ranges::find(config.plugins, parser.plugin_ref, &PluginSpec::name) !=
                        config.plugins.end();
    if (!listed) inject(plugins, parser.plugin_ref, parser.place, problems);
  }
}

void saturation(EndpointPickerConfig& config, PluginSet& plugins, Diagnostics& problems) {
  constexpr std::string_view kDefault = "utilization-detector";
  if (!config.flow_control) config.flow_control.emplace();
  auto& detector = config.flow_control->saturation_detector;
  if (!detector) detector.emplace();
  if (detector->plugin_ref.empty()) detector->plugin_ref = kDefault;
  if (detector->plugin_ref == kDefault) inject(plugins, kDefault, detector->place, problems);
}

void data_layer(EndpointPickerConfig& config, PluginSet& plugins, Diagnostics& problems) {
  constexpr std::string_view kSource = "metrics-data-source";
  constexpr std::string_view kExtractor = "core-metrics-extractor";
  if (!config.data_layer) config.data_layer.emplace();
  if (!config.data_layer->inject_defaults) return;
  const bool has_source = std::ranges::any_of(config.data_layer->sources, [&](const auto& source) {
    const Instance* const instance = plugins.find(source.plugin_ref);
    return source.plugin_ref == kSource || (instance != nullptr && instance->type == kSource);
  });
  if (has_source) return;
  if (!inject(plugins, kSource, {}, problems) || !inject(plugins, kExtractor, {}, problems)) return;
  config.data_layer->sources.push_back(
      {.plugin_ref = std::string(kSource),
       .extractors = {{.plugin_ref = std::string(kExtractor), .place = {}}},
       .place = {}});
}

}  // namespace

Diagnostics apply_system_defaults(EndpointPickerConfig& config, PluginSet& plugins) {
  struct Step {
    std::string_view name;
    void (*apply)(EndpointPickerConfig&, PluginSet&, Diagnostics&);
  };
  constexpr std::array<Step, 5> kSteps{{{"scheduling system", scheduling},
                                        {"flow control system", flow_policies},
                                        {"parser", parsers},
                                        {"saturation detector", saturation},
                                        {"data layer", data_layer}}};
  Diagnostics problems;
  for (const Step& step : kSteps) {
    const std::size_t before = problems.size();
    step.apply(config, plugins, problems);
    for (std::size_t i = before; i < problems.size(); ++i) {
      problems[i].text.insert(0, "system default application failed: failed to apply " +
                                     std::string(step.name) + " defaults: ");
    }
  }
  return problems;
}

void list_injected(EndpointPickerConfig& config, const PluginSet& plugins) {
  for (const std::string& name : plugins.injected()) {
    const bool listed = std::ranges::any_of(
        config.plugins, [&](const PluginSpec& spec) { return spec.name == name; });
    if (!listed) config.plugins.push_back({.name = name, .type = name, .place = {}});
  }
}

}  // namespace pointsman
