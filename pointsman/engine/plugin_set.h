#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/config/diagnostic.h"
#include "pointsman/config/endpoint_picker_config.h"
#include "pointsman/stage/instance.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// The configured plugins of one pipeline, in the order of the configuration, injected ones last.
class PluginSet final : public Plugins {
 public:
  // `before`: the set of the pipeline that this one will replace, or null. A plugin with a state,
  // such as a producer, whose name, type and parameters are the same, is taken over from it.
  explicit PluginSet(const Registry& registry, const PluginSet* before = nullptr);

  // Builds one plugin. `path` is where it stands, such as plugins[0]. Errors carry the reference's
  // text (spec/02 section 3.2), without prefix: `failed to create plugin '<name>' (type: <type>):
  // <cause>`; of several wrong parameters each is one problem. REQUIRES: the type is registered and
  // the name is new.
  Result<void> create(const PluginSpec& spec, const std::string& path, Diagnostics& problems);

  // Builds a plugin named like its type, with no parameters, unless one of that name is there.
  // Errors: `plugin type '<type>' not found in registry`,
  // `failed to instantiate default plugin '<type>': <cause>`.
  Result<void> inject(std::string_view type);

  // The plugin of that name, or nullptr.
  const Instance* find(std::string_view name) const override;
  const std::vector<std::unique_ptr<Instance>>& all() const { return instances_; }
  const Registry& registry() const { return *registry_; }
  SignalTable& signals() { return signals_; }
  // All plugins are there: what came before may go.
  void complete() { before_ = nullptr; }
  // Plugins that were injected, in that order, for the effective configuration.
  const std::vector<std::string>& injected() const { return injected_; }
  // How many plugins were taken over.
  std::size_t taken_over() const { return taken_over_; }

 private:
  Result<void> build(TypedName name, const Registration& registration, Block parameters);

  // The instance to take over, or nullptr.
  const Instance* unchanged(const TypedName& name, const std::string& parameters) const;

  const Registry* registry_;
  const PluginSet* before_;  // while this set is being filled
  SignalTable signals_;      // with the places of `before`, which its plugins keep
  std::vector<std::unique_ptr<Instance>> instances_;
  std::vector<std::string> parameters_;  // of each instance, as JSON
  std::vector<std::string> injected_;
  std::size_t taken_over_ = 0;
};

}  // namespace pointsman
