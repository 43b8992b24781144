#include "pointsman/engine/config_checks.h"

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/config/nearest.h"

namespace pointsman {
namespace {

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

Diagnostic problem(std::string path, Place place, std::string text, std::string hint = {}) {
  return {.path = std::move(path),
          .line = place.line,
          .column = place.column,
          .text = std::move(text),
          .hint = std::move(hint)};
}

// "did you mean ...?" over the names of all plugins, also of those that could not be built.
std::string did_you_mean(std::string_view name, const EndpointPickerConfig& config,
                         const PluginSet& plugins) {
  std::vector<std::string_view> names;
  for (const PluginSpec& listed : config.plugins) {
    if (plugins.find(listed.name) == nullptr) names.push_back(listed.name);
  }
  for (const auto& instance : plugins.all()) names.push_back(instance->name.name);
  return suggestion(name, names);
}

// Whether a plugin is there or at least listed: one that could not be built has been reported.
bool known(const std::string& name, const EndpointPickerConfig& config, const PluginSet& plugins) {
  return plugins.find(name) != nullptr ||
         std::ranges::find(config.plugins, name, &PluginSpec::name) != config.plugins.end();
}

void check_profile(const SchedulingProfile& profile, const EndpointPickerConfig& config,
                   const PluginSet& plugins, Diagnostics& all) {
  const std::string where = "schedulingProfiles[" + profile.name + "]";
  const std::string prefix = "scheduling profile validation failed: " + where;
  for (std::size_t j = 0; j < profile.plugins.size(); ++j) {
    const SchedulingPlugin& plugin = profile.plugins[j];
    const std::string at = where + ".plugins[" + std::to_string(j) + "]";
    if (plugin.plugin_ref.empty()) {
      all.push_back(
          problem(at, plugin.place,
                  prefix + ".plugins[" + std::to_string(j) + "] is missing a 'pluginRef'"));
    } else if (!known(plugin.plugin_ref, config, plugins)) {
      all.push_back(problem(at, plugin.place,
                            prefix + " references undefined plugin " + quoted(plugin.plugin_ref),
                            did_you_mean(plugin.plugin_ref, config, plugins)));
    }
  }
}

Diagnostic unknown_type(std::string path, const PluginSpec& spec, const Registry& registry,
                        std::span<const std::string_view> known_types) {
  if (std::ranges::find(known_types, std::string_view(spec.type)) != known_types.end()) {
    return problem(std::move(path), spec.place,
                   "plugin type " + quoted(spec.type) + " is not in this build yet");
  }
  std::vector<std::string_view> types;
  for (const Registration* line : registry.all()) types.push_back(line->type);
  const bool variable = spec.type.contains("${") || spec.type.contains("{{");
  return problem(std::move(path), spec.place,
                 "plugin type " + quoted(spec.type) + " is not registered",
                 variable ? "this looks like a variable that nobody has filled in"
                          : suggestion(spec.type, types));
}

}  // namespace

Diagnostics check_plugins(const EndpointPickerConfig& config, const Registry& registry,
                          std::span<const std::string_view> known_types) {
  Diagnostics all;
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < config.plugins.size(); ++i) {
    const PluginSpec& spec = config.plugins[i];
    const std::string path = "plugins[" + std::to_string(i) + "]";
    if (spec.type.empty()) {
      all.push_back(
          problem(path, spec.place, "plugin " + quoted(spec.name) + " is missing a type"));
    } else if (!names.insert(spec.name).second) {
      all.push_back(problem(path, spec.place, "duplicate plugin name " + quoted(spec.name)));
    } else if (registry.find(spec.type) == nullptr) {
      all.push_back(unknown_type(path, spec, registry, known_types));
    }
  }
  return all;
}

Diagnostics check_references(const EndpointPickerConfig& config, const PluginSet& plugins) {
  Diagnostics all;
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < config.scheduling_profiles.size(); ++i) {
    const SchedulingProfile& profile = config.scheduling_profiles[i];
    const std::string at = "schedulingProfiles[" + std::to_string(i) + "]";
    const std::string prefix = "scheduling profile validation failed: " + at;
    if (profile.name.empty()) {
      all.push_back(problem(at, profile.place, prefix + " is missing a name"));
      continue;
    }
    if (!names.insert(profile.name).second) {
      all.push_back(
          problem(at, profile.place, prefix + " has duplicate name " + quoted(profile.name)));
      continue;
    }
    check_profile(profile, config, plugins, all);
  }
  const PluginRef& detector = *config.flow_control->saturation_detector;
  if (!known(detector.plugin_ref, config, plugins)) {
    all.push_back(problem("flowControl.saturationDetector", detector.place,
                          "saturation detector validation failed: saturation detector references "
                          "undefined plugin " +
                              quoted(detector.plugin_ref),
                          did_you_mean(detector.plugin_ref, config, plugins)));
  }
  return all;
}

Diagnostics check_stability(const EndpointPickerConfig& config, const PluginSet& plugins,
                            bool allow_experimental) {
  Diagnostics all;
  if (allow_experimental) return all;
  std::vector<const Instance*> by_name;
  for (const auto& instance : plugins.all()) by_name.push_back(instance.get());
  std::ranges::sort(by_name, {},
                    [](const Instance* i) -> const std::string& { return i->name.name; });
  for (const Instance* instance : by_name) {
    const Registration* const line = plugins.registry().find(instance->name.type);
    if (line == nullptr || line->stability != Stability::alpha) continue;
    const auto spec = std::ranges::find(config.plugins, instance->name.name, &PluginSpec::name);
    all.push_back(problem(instance->name.name, spec == config.plugins.end() ? Place{} : spec->place,
                          "plugin " + quoted(instance->name.name) +
                              " (type: " + quoted(instance->name.type) +
                              ") has Alpha stability level, but command line flag "
                              "--allow-experimental-plugins is not set",
                          "start with --allow-experimental-plugins"));
  }
  return all;
}

}  // namespace pointsman
