#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/config/diagnostic.h"
#include "pointsman/config/endpoint_picker_config.h"
#include "pointsman/config/feature_gates.h"

namespace pointsman {

// A configuration after phase one (spec/02 section 3): decoded, deprecated fields moved, names
// defaulted, gates resolved. Nothing that needs the registry of plugins has been looked at.
struct LoadedConfig {
  EndpointPickerConfig config;
  FeatureGates gates;
  Diagnostics warnings;  // to be logged one a line; deprecations contain DEPRECATION
};

struct LoadOptions {
  FeatureGates gates = registered_gates();
  std::vector<std::string> missing_gates = {"flowControl"};  // refused when on
};

// Reads a configuration document, YAML or JSON. An empty text is the built-in default.
//
// Errors: every problem found, in the reference's order; the text of the first starts with
// `failed to parse config - ` and is the one to log as `error`, those of the rest are bare.
// Threading: any thread; blocks for the time of parsing.
std::expected<LoadedConfig, Diagnostics> load_config(std::string_view text,
                                                     const LoadOptions& options = {});

// Reads the file, then the document in it.
// Errors: as load_config(); `failed to load config from a file '<path>' - <reason>`.
std::expected<LoadedConfig, Diagnostics> load_config_file(const std::string& path,
                                                          const LoadOptions& options = {});

// The document that stands for an empty one (spec/02 section 1.4).
std::string_view default_config_text();

}  // namespace pointsman
