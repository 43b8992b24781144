#pragma once

#include "pointsman/config/config_loader.h"
#include "pointsman/engine/assembly.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// Everything this binary can be configured with.
Registry builtin_plugins();

// How this binary reads a document: with the table of renames.
LoadOptions builtin_load_options();

// How this binary assembles a configuration.
AssemblyOptions builtin_options(bool allow_experimental_plugins);

}  // namespace pointsman
