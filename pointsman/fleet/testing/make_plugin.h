#pragma once

#include <string>
#include <string_view>

#include "pointsman/base/bug.h"
#include "pointsman/config/yaml.h"
#include "pointsman/stage/registry.h"

namespace pointsman::testing {

// The plugin as a configuration with these parameters makes it. REQUIRES: `yaml` is YAML.
template <Plugin P>
Result<Instance> make_plugin(std::string_view yaml) {
  const auto document = read_yaml(yaml);
  if (!document) bug("not YAML");
  Registry registry;
  registry.add<P>();
  SignalTable table;
  pointsman::Setup setup({std::string(P::kType), "its-name"}, {.node = &document->root}, table);
  return registry.find(P::kType)->make(setup);
}

// The error of the same; "none" when it is made.
template <Plugin P>
std::string plugin_error(std::string_view yaml) {
  const auto made = make_plugin<P>(yaml);
  return made ? "none" : made.error().message;
}

}  // namespace pointsman::testing
