#pragma once

#include <string>
#include <vector>

#include "pointsman/config/json_schema.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// Every plugin of a registry, by type, with the parameters that its parser takes.
std::vector<PluginDoc> plugin_docs(const Registry& registry);

// The JSON schema of a configuration of this binary: `pointsman check --schema`.
std::string plugin_schema_text();
// The reference page docs/plugins.md: `pointsman check --reference`.
std::string plugin_reference_text();

}  // namespace pointsman
