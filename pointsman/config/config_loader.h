#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/config/diagnostic.h"
#include "pointsman/config/endpoint_picker_config.h"
#include "pointsman/config/feature_gates.h"
#include "pointsman/config/renames.h"

namespace pointsman {

// A configuration after phase one (spec/02 section 3): decoded, deprecated fields moved, names
// defaulted, gates resolved. Nothing that needs the registry of plugins has been looked at.
struct LoadedConfig {
  EndpointPickerConfig config;
  FeatureGates gates;
  Diagnostics warnings;  // to be logged one a line; deprecations contain DEPRECATION
  // Of spellings that are refused: the hints for whatever problem is found at their places.
  Diagnostics repairs;
};

struct LoadOptions {
  FeatureGates gates = registered_gates();
  std::vector<std::string> missing_gates = {"flowControl"};  // refused when on
  std::span<const Rename> renames = {};                      // applied before decoding
};

// All that phase one can say about a document.
struct ExaminedConfig {
  // What could be read, for finding more problems in phase two; good only if there are none. Absent
  // when the text is no document of ours.
  std::optional<LoadedConfig> loaded;
  Diagnostics problems;  // as the errors of load_config()
};

// Reads a configuration as load_config() does, but goes on after problems as far as it can.
ExaminedConfig examine_config(std::string_view text, const LoadOptions& options = {});
ExaminedConfig examine_config_file(const std::string& path, const LoadOptions& options = {});

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

// The text of a configuration file, with its limits on size.
// Errors: `failed to load config from a file '<path>' - <reason>`.
Result<std::string> read_config_file(const std::string& path);

// The document with every old spelling replaced (see LoadOptions::renames) in its own text, where
// everything else stays as it is.
struct FixedConfig {
  std::string text;
  Diagnostics changes;  // one per spelling replaced
};
// Errors: invalid_config, of the first problem that keeps the text from being read or edited.
Result<FixedConfig> fix_config(std::string_view text, const LoadOptions& options);

// The document that stands for an empty one (spec/02 section 1.4).
std::string_view default_config_text();

}  // namespace pointsman
