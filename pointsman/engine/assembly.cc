#include "pointsman/engine/assembly.h"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "pointsman/config/renames.h"
#include "pointsman/engine/config_checks.h"
#include "pointsman/engine/config_doubts.h"
#include "pointsman/engine/data_graph.h"
#include "pointsman/engine/input_schema.h"
#include "pointsman/engine/system_defaults.h"

namespace pointsman {
namespace {

constexpr std::string_view kLoad = "failed to load the configuration - ";
constexpr std::size_t kMostProblems = 100;

// Everything wrong with one document, of both phases.
class Problems {
 public:
  explicit Problems(Diagnostics phase_one) : all_(std::move(phase_one)) {
    for (const Diagnostic& problem : all_) lines_.insert(problem.line);
    lines_.erase(0);
  }

  bool none() const { return all_.empty(); }

  // The very first gets the prefix chain, as the reference stops there. A line that could not be
  // read is not complained about twice.
  void add(std::string_view prefix, Diagnostics problems, const EndpointPickerConfig& config) {
    for (Diagnostic& problem : problems) {
      if (problem.line == 0) locate(problem, config);
      if (lines_.contains(problem.line) || all_.size() >= kMostProblems) continue;
      if (all_.empty()) problem.text.insert(0, prefix);
      all_.push_back(std::move(problem));
    }
  }
  void add(std::string_view prefix, std::string path, Place place, std::string text,
           const EndpointPickerConfig& config) {
    add(prefix,
        {{.path = std::move(path),
          .line = place.line,
          .column = place.column,
          .text = std::move(text)}},
        config);
  }

  // What is refused although nothing else was wrong with it.
  void add_unmet(const Diagnostics& repairs) {
    for (const Diagnostic& repair : repairs) {
      const bool met = std::ranges::any_of(all_, [&](const Diagnostic& problem) {
        return problem.line == repair.line && problem.column == repair.column;
      });
      if (met || all_.size() >= kMostProblems) continue;
      all_.push_back(repair);
      if (all_.size() == 1) all_.front().text.insert(0, kLoad);
    }
    add_hints(all_, repairs);
  }

  std::unexpected<Diagnostics> refuse() { return std::unexpected(std::move(all_)); }

 private:
  // A problem of a plugin stands where the plugin does.
  static void locate(Diagnostic& problem, const EndpointPickerConfig& config) {
    const auto spec = std::ranges::find(config.plugins, problem.path, &PluginSpec::name);
    if (spec == config.plugins.end()) return;
    problem.line = spec->place.line;
    problem.column = spec->place.column;
  }

  Diagnostics all_;
  std::set<int> lines_;  // of phase one
};

std::string chain(std::string_view step) {
  return std::string(kLoad) + std::string(step);
}

Place place_of(const EndpointPickerConfig& config, const std::string& plugin) {
  const auto spec = std::ranges::find(config.plugins, plugin, &PluginSpec::name);
  return spec == config.plugins.end() ? Place{} : spec->place;
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

// `where` is set to the place of what is wrong.
Result<Profile> build_profile(const SchedulingProfile& wanted, const PluginSet& plugins,
                              Metrics& metrics, Place& where) {
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
      where = entry.place;
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
    where = wanted.place;
    return fail(Code::invalid_config, "profile '" + wanted.name + "' has too many filters");
  }
  return Profile(wanted.name, std::move(filters), std::move(scorers), std::move(picker));
}

Result<std::unique_ptr<Scheduler>> build_scheduler(const EndpointPickerConfig& config,
                                                   const PluginSet& plugins, Metrics& metrics,
                                                   Place& where) {
  std::vector<Profile> profiles;
  std::vector<std::string> names;
  for (const SchedulingProfile& wanted : config.scheduling_profiles) {
    POINTSMAN_TRY(profile, build_profile(wanted, plugins, metrics, where));
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
      where = place_of(config, instance->name.name);
      return fail(Code::invalid_config, "multiple profile handlers found ('" + handler->name.name +
                                            "', '" + instance->name.name +
                                            "'); only one is allowed");
    }
    handler = instance.get();
  }
  if (handler == nullptr) return fail(Code::invalid_config, "no profile handler configured");
  if (auto accepted = handler->handler->check(names); !accepted) {
    where = place_of(config, handler->name.name);
    return std::unexpected(accepted.error());
  }
  const TypedName& name = handler->name;
  return std::make_unique<Scheduler>(
      Scheduler::Handler{name, handler->handler, plugin_timer(metrics, "ProfilePicker", name),
                         plugin_timer(metrics, "ProcessProfilesResults", name)},
      std::move(profiles));
}

Result<std::vector<Assembly::Binding>> bind_sources(const EndpointPickerConfig& config,
                                                    const PluginSet& plugins, Place& where) {
  std::vector<Assembly::Binding> bindings;
  for (const DataSource& wanted : config.data_layer->sources) {
    where = wanted.place;
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
      where = ref.place;
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
                                  const AssemblyOptions& options, Place& where) {
  std::vector<ParserTable::Entry> entries;
  for (const PluginRef& ref : config.request_handler->parsers) {
    where = ref.place;
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
  const Instance* const plugin = assembly.plugins->find(wanted->name());
  if (plugin == nullptr) {
    return fail(Code::invalid_config,
                "discovery: no plugin found with name \"" + wanted->name() + "\"");
  }
  if (plugin->discovery == nullptr) {
    return fail(Code::invalid_config, "discovery: plugin \"" + wanted->name() +
                                          "\" does not implement EndpointDiscovery");
  }
  assembly.discovery_name = plugin->name;
  assembly.discovery = plugin->discovery;
  return {};
}

// Builds every listed plugin that check_plugins() found nothing wrong with; all that fail are
// reported.
Diagnostics create_plugins(Assembly& assembly, const Registry& registry,
                           const Diagnostics& checked) {
  Diagnostics problems;
  for (std::size_t i = 0; i < assembly.config.plugins.size(); ++i) {
    const PluginSpec& spec = assembly.config.plugins[i];
    const std::string path = "plugins[" + std::to_string(i) + "]";
    if (std::ranges::find(checked, path, &Diagnostic::path) != checked.end()) continue;
    warn_if_deprecated(spec, *registry.find(spec.type), assembly.warnings);
    (void)assembly.plugins->create(spec, path, problems);
  }
  return problems;
}

// Lets plugins look up those that their parameters name; all that fail are reported.
Diagnostics link_plugins(const Assembly& assembly) {
  Diagnostics problems;
  for (std::size_t i = 0; i < assembly.config.plugins.size(); ++i) {
    const PluginSpec& spec = assembly.config.plugins[i];
    const Instance* const instance = assembly.plugins->find(spec.name);
    if (instance == nullptr || instance->linked == nullptr) continue;
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

// The steps once every plugin is there and every reference holds.
void put_together(Assembly& assembly, Metrics& metrics, const AssemblyOptions& options,
                  Problems& problems) {
  EndpointPickerConfig& config = assembly.config;
  PluginSet& plugins = *assembly.plugins;
  const auto take = [&](auto&& made, auto& target, const std::string& prefix, std::string path,
                        const Place& place) {
    if (made) {
      target = *std::forward<decltype(made)>(made);
    } else {
      problems.add(prefix, std::move(path), place, made.error().message, config);
    }
  };
  Place where;  // of what a step was looking at when it failed
  take(build_scheduler(config, plugins, metrics, where), assembly.scheduler,
       chain("scheduler config build failed: "), "schedulingProfiles", where);
  where = {};
  take(bind_sources(config, plugins, where), assembly.sources,
       chain("data layer config build failed: "), "dataLayer.sources", where);
  where = {};
  take(build_parsers(config, plugins, options, where), assembly.parsers,
       chain("parser registry build failed: "), "requestHandler.parsers", where);
  take(find_detector(config, plugins), assembly.saturation, std::string(kLoad),
       "flowControl.saturationDetector", config.flow_control->saturation_detector->place);
  problems.add("failed to create missing data producers - ", create_missing_producers(plugins),
               config);
  take(order_producers(plugins), assembly.producers, std::string(kLoad), "plugins", {});
  if (auto done = find_discovery(assembly); !done) {
    problems.add("", "dataLayer.discovery", config.data_layer->discovery->place,
                 done.error().message, config);
  }
}

}  // namespace

std::expected<Assembly, Diagnostics> assemble(ExaminedConfig examined, const Registry& registry,
                                              Metrics& metrics, const AssemblyOptions& options) {
  Problems problems(std::move(examined.problems));
  if (!examined.loaded) return problems.refuse();
  LoadedConfig& loaded = *examined.loaded;
  const PluginSet* const before =
      options.before == nullptr ? nullptr : options.before->plugins.get();
  Assembly assembly{.config = std::move(loaded.config),
                    .plugins = std::make_unique<PluginSet>(registry, before)};
  assembly.warnings = std::move(loaded.warnings);
  EndpointPickerConfig& config = assembly.config;
  PluginSet& plugins = *assembly.plugins;

  bool complete = true;
  const auto add = [&](const std::string& prefix, Diagnostics wrong) {
    complete = complete && wrong.empty();
    problems.add(prefix, std::move(wrong), config);
  };
  const Diagnostics unknown = check_plugins(config, registry, options.known_types);
  add(chain("configuration validation failed: "), unknown);
  add(chain("plugin instantiation failed: "), create_plugins(assembly, registry, unknown));
  if (complete) add(chain("plugin instantiation failed: "), link_plugins(assembly));
  add(std::string(kLoad), apply_system_defaults(config, plugins));
  add(chain("configuration validation failed: "), check_references(config, plugins));
  // Without all its parts, nothing certain can be said about the whole.
  if (complete) put_together(assembly, metrics, options, problems);
  problems.add("", check_stability(config, plugins, options.allow_experimental_plugins), config);
  problems.add_unmet(loaded.repairs);
  if (!problems.none()) return problems.refuse();
  list_injected(config, plugins);
  plugins.complete();
  assembly.inputs = input_schema(config, plugins);
  for (const std::string& warning : assembly.parsers.warnings()) {
    assembly.warnings.push_back({.text = warning});
  }
  for (Diagnostic& line : unproduced_keys(plugins)) assembly.warnings.push_back(std::move(line));
  Diagnostics doubts = surely_not_meant(config, loaded.gates, plugins);
  assembly.warnings.insert(assembly.warnings.end(), doubts.begin(), doubts.end());
  return assembly;
}

std::expected<Assembly, Diagnostics> assemble(LoadedConfig loaded, const Registry& registry,
                                              Metrics& metrics, const AssemblyOptions& options) {
  return assemble(ExaminedConfig{.loaded = std::move(loaded), .problems = {}}, registry, metrics,
                  options);
}

}  // namespace pointsman
