#include "pointsman/engine/plugin_set.h"

#include <algorithm>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/config/field_rules.h"

namespace pointsman {

namespace {

// Whether something would be lost with this plugin. What only decides is built anew, as it may
// depend on which other plugins there are.
bool keeps_state(const Instance& instance) {
  return instance.handler == nullptr && instance.linked == nullptr &&
         (instance.producer != nullptr || instance.hook != nullptr ||
          instance.response_hook != nullptr || instance.upkeep != nullptr ||
          instance.source != nullptr || instance.extractor != nullptr ||
          instance.discovery != nullptr);
}

}  // namespace

PluginSet::PluginSet(const Registry& registry, const PluginSet* before)
    : registry_(&registry), before_(before) {
  if (before != nullptr) signals_ = before->signals_;
}

const Instance* PluginSet::unchanged(const TypedName& name, const std::string& parameters) const {
  if (before_ == nullptr) return nullptr;
  for (std::size_t i = 0; i < before_->instances_.size(); ++i) {
    const Instance& old = *before_->instances_[i];
    if (old.name.name == name.name && old.type == name.type && keeps_state(old) &&
        before_->parameters_[i] == parameters) {
      return &old;
    }
  }
  return nullptr;
}

Result<void> PluginSet::build(TypedName name, const Registration& registration, Block parameters) {
  std::string written = parameters.node == nullptr ? "" : to_json(*parameters.node);
  if (const Instance* const old = unchanged(name, written)) {
    instances_.push_back(std::make_unique<Instance>(*old));
    ++taken_over_;
  } else {
    std::vector<BuiltPlugin> built;
    built.reserve(instances_.size());
    for (const auto& each : instances_) built.push_back({each->type, each->name.name});
    Setup setup(std::move(name), std::move(parameters), signals_, std::move(built));
    POINTSMAN_TRY(instance, registration.make(setup));
    instances_.push_back(std::make_unique<Instance>(std::move(instance)));
  }
  parameters_.push_back(std::move(written));
  return {};
}

Result<void> PluginSet::create(const PluginSpec& spec, const std::string& path,
                               Diagnostics& problems) {
  const Registration* const registration = registry_->find(spec.type);
  if (registration == nullptr || find(spec.name) != nullptr) bug("plugins were not validated");
  const Block block{.path = path + ".parameters", .node = spec.parameters};
  auto built = build({spec.type, spec.name}, *registration, block);
  if (built) return {};
  const std::string what =
      "failed to create plugin '" + spec.name + "' (type: " + spec.type + "): ";
  const std::string text = what + built.error().message;
  // The parser stops at its first problem, whose words stand in the error; its table finds the
  // place of that and whatever else is wrong.
  Diagnostics wrong;
  if (registration->parameters != nullptr) wrong = check_fields(block, registration->parameters());
  if (wrong.empty() || !built.error().message.ends_with(wrong.front().text)) {
    const Node* const node = spec.parameters;
    problems.push_back({.path = block.path,
                        .line = node != nullptr ? node->line : spec.place.line,
                        .column = node != nullptr ? node->column : spec.place.column,
                        .text = text});
    return fail(Code::invalid_config, text);
  }
  const std::string words =
      built.error().message.substr(0, built.error().message.size() - wrong.front().text.size());
  for (Diagnostic& problem : wrong) {
    problem.text.insert(0, what + words);
    problems.push_back(std::move(problem));
  }
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
