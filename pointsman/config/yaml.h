#pragma once

#include <cstddef>
#include <expected>
#include <string_view>
#include <vector>

#include "pointsman/config/diagnostic.h"
#include "pointsman/config/node.h"

namespace pointsman {

// What one document may ask of us. Aliases count as what they expand to.
struct YamlLimits {
  std::size_t bytes = 1U << 20U;     // size of the whole text
  int depth = 100;                   // nested sequences and mappings
  std::size_t nodes = 100'000;       // values, after expansion
  std::size_t expanded = 8U << 20U;  // bytes of all scalars, after expansion
};

struct YamlDocument {
  Node root;               // null for a text without values
  Diagnostics duplicates;  // `key "<k>" already set in map`; the last value won
};

// Reads the first document of `text`, YAML 1.1 or JSON, in UTF-8. Scalars are resolved by the
// rules of spec/10 section 2 (`yes` is a boolean, `010` is 8, `1_000` is 1000, dates are
// strings), anchors and merge keys are expanded, keys that are numbers or booleans become
// strings. A later document is not looked at.
//
// Errors: one diagnostic with line and column; its text starts with `yaml: `.
// Threading: any thread; blocks for the time of parsing (1 MiB: some tens of milliseconds).
std::expected<YamlDocument, Diagnostic> read_yaml(std::string_view text,
                                                  const YamlLimits& limits = {});

// The same for all documents of a text; the limits hold for them together. A text without values
// has none.
std::expected<std::vector<YamlDocument>, Diagnostic> read_yaml_documents(
    std::string_view text, const YamlLimits& limits = {});

}  // namespace pointsman
