#include "pointsman/engine/plugin_set.h"

#include <algorithm>
#include <utility>

#include "pointsman/base/bug.h"

namespace pointsman {

Result<void> PluginSet::build(TypedName name, const Registration& registration, Block parameters) {
  std::vector<BuiltPlugin> built;
  built.reserve(instances_.size());
  for (const auto& each : instances_) built.push_back({each->type, each->name.name});
  Setup setup(std::move(name), std::move(parameters), signals_, std::move(built));
  POINTSMAN_TRY(instance, registration.make(setup));
  instances_.push_back(std::make_unique<Instance>(std::move(instance)));
  return {};
}

Result<void> PluginSet::create(const PluginSpec& spec, const std::string& path,
                               Diagnostics& problems) {
  const Registration* const registration = registry_->find(spec.type);
  if (registration == nullptr || find(spec.name) != nullptr) bug("plugins were not validated");
  auto built = build({spec.type, spec.name}, *registration,
                     {.path = path + ".parameters", .node = spec.parameters});
  if (built) return {};
  const std::string text = "failed to create plugin '" + spec.name + "' (type: " + spec.type +
                           "): " + built.error().message;
  const Node* const node = spec.parameters;
  problems.push_back({.path = path + ".parameters",
                      .line = node != nullptr ? node->line : spec.place.line,
                      .column = node != nullptr ? node->column : spec.place.column,
                      .text = text});
  return fail(Code::invalid_config, text);
}

Result<void> PluginSet::inject(std::string_view type) {
  if (find(type) != nullptr) return {};
  const Registration* const registration = registry_->find(type);
  const std::string name(type);
  if (registration == nullptr) {
    return fail(Code::invalid_config, "plugin type '" + name + "' not found in registry");
  }
  if (auto built = build({name, name}, *registration, {.path = name, .node = nullptr}); !built) {
    return fail(Code::invalid_config,
                "failed to instantiate default plugin '" + name + "': " + built.error().message);
  }
  injected_.push_back(name);
  return {};
}

const Instance* PluginSet::find(std::string_view name) const {
  const auto found = std::ranges::find_if(
      instances_, [name](const auto& instance) { return instance->name.name == name; });
  return found == instances_.end() ? nullptr : found->get();
}

}  // namespace pointsman
