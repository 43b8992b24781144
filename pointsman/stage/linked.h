#pragma once

#include <string_view>

#include "pointsman/base/result.h"

namespace pointsman {

struct Instance;

// The configured plugins of one pipeline, by name.
class Plugins {
 public:
  virtual ~Plugins() = default;
  // The plugin of that name, or nullptr.
  virtual const Instance* find(std::string_view name) const = 0;
};

// A plugin whose parameters name other plugins.
class Linked {
 public:
  virtual ~Linked() = default;

  // Looks them up, once, when all plugins of the configuration have been built; their order in the
  // configuration does not matter. Errors: invalid_config.
  virtual Result<void> link(const Plugins& plugins) = 0;
};

}  // namespace pointsman
