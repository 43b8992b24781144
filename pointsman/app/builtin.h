#pragma once

#include "pointsman/engine/assembly.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// Everything this binary can be configured with.
Registry builtin_plugins();

// How this binary assembles a configuration.
AssemblyOptions builtin_options(bool allow_experimental_plugins);

}  // namespace pointsman
