#include "pointsman/engine/assembly.h"

#include <algorithm>
#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include "pointsman/config/config_text.h"
#include "pointsman/engine/config_checks.h"
#include "pointsman/engine/data_graph.h"
#include "pointsman/engine/system_defaults.h"

namespace pointsman {
namespace {

using Failed = std::unexpected<Diagnostics>;

constexpr std::string_view kLoad = "failed to load the configuration - ";

// The first problem gets the prefix chain, as the reference stops there.
Failed refused(std::string_view prefix, Diagnostics problems) {
  problems.front().text.insert(0, prefix);
  return Failed(std::move(problems));
}

Failed refused(std::string_view prefix, std::string text) {
  return refused(prefix, Diagnostics{{.text = std::move(text)}});
}

std::string chain(std::string_view step) {
  return std::string(kLoad) + std::string(step);
}

// A deprecated type works and says what to write instead.
void warn_if_deprecated(const PluginSpec& spec, const Registration& line, Diagnostics& warnings) {
  if (!line.deprecated) return;
  warnings.push_back({.path = spec.name,
                      .line = spec.place.line,
                      .column = spec.place.column,
                      .text = "DEPRECATION warning: plugin is deprecated: name '" + spec.name +
                              "', type '" + spec.type + "', since " +
                              std::string(line.deprecated->since) + ", to be removed in " +
                              std::string(line.deprecated->removal) + "; use '" +
                              std::string(line.deprecated->replacement) + "'"});
}

Result<Profile> build_profile(const SchedulingProfile& wanted, const PluginSet& plugins,
                              Metrics& metrics) {
  std::vector<Profile::FilterStep> filters;
  std::vector<Profile::ScorerStep> scorers;
  Profile::PickerStep picker;
  for (const SchedulingPlugin& entry : wanted.plugins) {
    const Instance& plugin = *plugins.find(entry.plugin_ref);
    const TypedName& name = plugin.name;
    if (plugin.scorer != nullptr) {
      scorers.push_back({.name = name,
                         .weight = entry.weight.value_or(1.0),
                         .scorer = plugin.scorer,
                         .timer = plugin_timer(metrics, "Scorer", name)});
    }
    if (plugin.filter != nullptr) {
      filters.push_back({name, plugin.filter, plugin_timer(metrics, "Filter", name)});
    }
    if (plugin.picker == nullptr) continue;
    if (picker.picker != nullptr) {
      return fail(Code::invalid_config,
                  "failed to add plugin '" + name.name + "' to profile '" + wanted.name +
                      "': failed to set '" + name.text() +
                      "' as picker, already have a registered picker plugin '" +
                      picker.name.text() + "'");
    }
    picker = {name, plugin.picker, plugin_timer(metrics, "Picker", name)};
  }
  // A filter's number must fit the Decision's drop list, whose last value means "before them".
  if (filters.size() >= Drop::kBeforeFilters) {
    return fail(Code::invalid_config, "profile '" + wanted.name + "' has too many filters");
  }
  return Profile(wanted.name, std::move(filters), std::move(scorers), std::move(picker));
}

Result<std::unique_ptr<Scheduler>> build_scheduler(const EndpointPickerConfig& config,
                                                   const PluginSet& plugins, Metrics& metrics) {
  std::vector<Profile> profiles;
  std::vector<std::string> names;
  for (const SchedulingProfile& wanted : config.scheduling_profiles) {
    POINTSMAN_TRY(profile, build_profile(wanted, plugins, metrics));
    profiles.push_back(std::move(profile));
    names.push_back(wanted.name);
  }
  if (profiles.size() > Scheduler::kMaxProfiles) {
    return fail(Code::invalid_config,
                "too many scheduling profiles: " + std::to_string(profiles.size()) + ", at most " +
                    std::to_string(Scheduler::kMaxProfiles));
  }
  const Instance* handler = nullptr;
  for (const auto& instance : plugins.all()) {
    if (instance->handler == nullptr) continue;
    if (handler != nullptr) {
      return fail(Code::invalid_config, "multiple profile handlers found ('" + handler->name.name +
                                            "', '" + instance->name.name +
                                            "'); only one is allowed");
    }
    handler = instance.get();
  }
  if (handler == nullptr) return fail(Code::invalid_config, "no profile handler configured");
  if (auto accepted = handler->handler->check(names); !accepted) {
    return std::unexpected(accepted.error());
  }
  const TypedName& name = handler->name;
  const std::uint64_t hash = std::hash<std::string>{}(to_yaml(to_node(config)));
  return std::make_unique<Scheduler>(
      Scheduler::Handler{name, handler->handler, plugin_timer(metrics, "ProfilePicker", name),
                         plugin_timer(metrics, "ProcessProfilesResults", name)},
      std::move(profiles), hash);
}

Result<std::vector<Assembly::Binding>> bind_sources(const EndpointPickerConfig& config,
                                                    const PluginSet& plugins) {
  std::vector<Assembly::Binding> bindings;
  for (const DataSource& wanted : config.data_layer->sources) {
    const Instance* const source = plugins.find(wanted.plugin_ref);
    if (source == nullptr) {
      return fail(Code::invalid_config,
                  "the plugin " + wanted.plugin_ref + " is not a fwkdl.DataSource");
    }
    if (source->source == nullptr) {
      return fail(Code::invalid_config,
                  "skipping unknown datasource plugin type " + source->name.text());
    }
    Assembly::Binding binding{.source_name = source->name, .source = source->source};
    for (const PluginRef& ref : wanted.extractors) {
      const Instance* const extractor = plugins.find(ref.plugin_ref);
      if (extractor == nullptr) {
        return fail(Code::invalid_config, "the plugin " + ref.plugin_ref + " is not registered");
      }
      if (extractor->extractor == nullptr) {
        return fail(Code::invalid_config, "dispatcher " + source->name.text() +
                                              " rejected extractor " + extractor->name.text() +
                                              ": extractor type mismatch: it extracts nothing");
      }
      for (const TypedName& bound : binding.extractor_names) {
        if (bound.type != extractor->name.type) continue;
        return fail(Code::invalid_config,
                    "duplicate extractor type configured for the same source: source=" +
                        source->name.text() + ", extractor type=" + bound.type);
      }
      binding.extractor_names.push_back(extractor->name);
      binding.extractors.push_back(extractor->extractor);
    }
    for (const Assembly::Binding& other : bindings) {
      if (other.source_name.name == binding.source_name.name) {
        return fail(Code::invalid_config,
                    "duplicate polling source name \"" + binding.source_name.name + "\"");
      }
    }
    bindings.push_back(std::move(binding));
  }
  return bindings;
}

Result<ParserTable> build_parsers(const EndpointPickerConfig& config, const PluginSet& plugins,
                                  const AssemblyOptions& options) {
  std::vector<ParserTable::Entry> entries;
  for (const PluginRef& ref : config.request_handler->parsers) {
    const Instance* const plugin = plugins.find(ref.plugin_ref);
    if (plugin == nullptr) {
      return fail(Code::invalid_config,
                  "the configured parser \"" + ref.plugin_ref + "\" is not loaded");
    }
    if (plugin->parser == nullptr) {
      return fail(Code::invalid_config,
                  "the plugin \"" + ref.plugin_ref + "\" is not a parser plugin");
    }
    const bool legacy =
        config.legacy_parser && options.legacy_vllmhttp_parser && plugin->type == "vllmhttp-parser";
    entries.push_back({plugin->name, legacy ? options.legacy_vllmhttp_parser() : plugin->parser});
  }
  return ParserTable::build(std::move(entries));
}

Result<std::shared_ptr<const SaturationDetector>> find_detector(const EndpointPickerConfig& config,
                                                                const PluginSet& plugins) {
  const std::string& ref = config.flow_control->saturation_detector->plugin_ref;
  const Instance* const plugin = plugins.find(ref);
  if (plugin == nullptr) {
    return fail(Code::invalid_config, "saturation detector plugin '" + ref + "' not found");
  }
  if (plugin->saturation == nullptr) {
    return fail(Code::invalid_config, "plugin '" + ref + "' is not a fwkfc.SaturationDetector");
  }
  return plugin->saturation;
}

// Resolves `dataLayer.discovery`, whose presence alone asks for discovery without Kubernetes.
Result<void> find_discovery(Assembly& assembly) {
  const auto& wanted = assembly.config.data_layer->discovery;
  if (!wanted) return {};
  const Instance* const plugin = assembly.plugins->find(wanted->plugin_ref);
  if (plugin == nullptr) {
    return fail(Code::invalid_config,
                "discovery: no plugin found with name \"" + wanted->plugin_ref + "\"");
  }
  if (plugin->discovery == nullptr) {
    return fail(Code::invalid_config, "discovery: plugin \"" + wanted->plugin_ref +
                                          "\" does not implement EndpointDiscovery");
  }
  assembly.discovery_name = plugin->name;
  assembly.discovery = plugin->discovery;
  return {};
}

// Builds every listed plugin; all that fail are reported.
Diagnostics create_plugins(Assembly& assembly, const Registry& registry) {
  Diagnostics problems;
  for (std::size_t i = 0; i < assembly.config.plugins.size(); ++i) {
    const PluginSpec& spec = assembly.config.plugins[i];
    warn_if_deprecated(spec, *registry.find(spec.type), assembly.warnings);
    (void)assembly.plugins->create(spec, "plugins[" + std::to_string(i) + "]", problems);
  }
  return problems;
}

// Lets plugins look up those that their parameters name; all that fail are reported.
Diagnostics link_plugins(const Assembly& assembly) {
  Diagnostics problems;
  for (std::size_t i = 0; i < assembly.config.plugins.size(); ++i) {
    const PluginSpec& spec = assembly.config.plugins[i];
    const Instance* const instance = assembly.plugins->find(spec.name);
    if (instance->linked == nullptr) continue;
    const auto linked = instance->linked->link(*assembly.plugins);
    if (linked) continue;
    problems.push_back({.path = "plugins[" + std::to_string(i) + "].parameters",
                        .line = spec.place.line,
                        .column = spec.place.column,
                        .text = "failed to create plugin '" + spec.name + "' (type: " + spec.type +
                                "): " + linked.error().message});
  }
  return problems;
}

}  // namespace

std::expected<Assembly, Diagnostics> assemble(LoadedConfig loaded, const Registry& registry,
                                              Metrics& metrics, const AssemblyOptions& options) {
  Assembly assembly{.config = std::move(loaded.config),
                    .plugins = std::make_unique<PluginSet>(registry)};
  assembly.warnings = std::move(loaded.warnings);
  EndpointPickerConfig& config = assembly.config;
  PluginSet& plugins = *assembly.plugins;

  if (Diagnostics wrong = check_plugins(config, registry); !wrong.empty()) {
    return refused(chain("configuration validation failed: "), std::move(wrong));
  }
  if (Diagnostics wrong = create_plugins(assembly, registry); !wrong.empty()) {
    return refused(chain("plugin instantiation failed: "), std::move(wrong));
  }
  if (Diagnostics wrong = link_plugins(assembly); !wrong.empty()) {
    return refused(chain("plugin instantiation failed: "), std::move(wrong));
  }
  if (auto done = apply_system_defaults(config, plugins); !done) {
    return refused(kLoad, done.error().message);
  }
  if (Diagnostics wrong = check_references(config, plugins); !wrong.empty()) {
    return refused(chain("configuration validation failed: "), std::move(wrong));
  }
  auto scheduler = build_scheduler(config, plugins, metrics);
  if (!scheduler) {
    return refused(chain("scheduler config build failed: "), scheduler.error().message);
  }
  auto sources = bind_sources(config, plugins);
  if (!sources) return refused(chain("data layer config build failed: "), sources.error().message);
  auto parsers = build_parsers(config, plugins, options);
  if (!parsers) return refused(chain("parser registry build failed: "), parsers.error().message);
  auto detector = find_detector(config, plugins);
  if (!detector) return refused(kLoad, detector.error().message);
  if (auto done = create_missing_producers(plugins); !done) {
    return refused("failed to create missing data producers - ", done.error().message);
  }
  list_injected(config, plugins);
  auto producers = order_producers(plugins);
  if (!producers) return refused(kLoad, producers.error().message);
  for (Diagnostic& line : unproduced_keys(plugins)) assembly.warnings.push_back(std::move(line));
  if (auto done = find_discovery(assembly); !done) return refused("", done.error().message);
  if (Diagnostics wrong = check_stability(plugins, options.allow_experimental_plugins);
      !wrong.empty()) {
    return Failed(std::move(wrong));
  }
  assembly.scheduler = *std::move(scheduler);
  assembly.sources = *std::move(sources);
  assembly.parsers = *std::move(parsers);
  assembly.saturation = *std::move(detector);
  assembly.producers = *std::move(producers);
  for (const std::string& warning : assembly.parsers.warnings()) {
    assembly.warnings.push_back({.text = warning});
  }
  return assembly;
}

}  // namespace pointsman
