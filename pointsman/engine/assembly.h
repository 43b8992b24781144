#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/config/config_loader.h"
#include "pointsman/config/diagnostic.h"
#include "pointsman/engine/plugin_set.h"
#include "pointsman/engine/scheduler.h"
#include "pointsman/stage/parser_table.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// What a configuration adds up to: phase two of spec/02 section 3. The pipeline and the fleet take
// their parts from it.
struct Assembly {
  EndpointPickerConfig config;  // the effective one, defaults injected
  std::unique_ptr<PluginSet> plugins;
  std::unique_ptr<Scheduler> scheduler;
  std::vector<const Instance*> producers;     // in the order they run
  std::shared_ptr<const InputSchema> inputs;  // what a record of a decision must hold
  ParserTable parsers;
  std::shared_ptr<const SaturationDetector> saturation;

  // The data layer: each source with the extractors bound to it.
  struct Binding {
    TypedName source_name;
    std::shared_ptr<Source> source;
    std::vector<TypedName> extractor_names;
    std::vector<std::shared_ptr<Extractor>> extractors;
  };
  std::vector<Binding> sources;
  TypedName discovery_name;
  std::shared_ptr<Discovery> discovery;  // null: none configured

  Diagnostics warnings;  // one line each; deprecations contain DEPRECATION
};

struct AssemblyOptions {
  bool allow_experimental_plugins = false;
  // Makes the vllmhttp-parser of releases that had one `requestHandler.parser`: it read the OpenAI
  // paths too. Null: this build's own.
  std::function<std::shared_ptr<Parser>()> legacy_vllmhttp_parser = {};
  // Types that configurations may name although this build lacks them.
  std::span<const std::string_view> known_types = {};
  // The assembly that this one is to replace: plugins that have not changed keep their state.
  const Assembly* before = nullptr;
};

// Builds every plugin and puts them together. Latency families of `metrics` get their series here.
//
// Errors: every problem that can be told without guessing, those of phase one included; the text of
// the first begins with the prefix chain of spec/02 section 3.1 and is the one to log as `error`.
std::expected<Assembly, Diagnostics> assemble(ExaminedConfig examined, const Registry& registry,
                                              Metrics& metrics,
                                              const AssemblyOptions& options = {});
std::expected<Assembly, Diagnostics> assemble(LoadedConfig loaded, const Registry& registry,
                                              Metrics& metrics,
                                              const AssemblyOptions& options = {});

}  // namespace pointsman
