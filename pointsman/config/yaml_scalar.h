#pragma once

#include <string>
#include <string_view>

#include "pointsman/config/node.h"

namespace pointsman {

// Gives a plain (unquoted, untagged) YAML scalar its kind and value by the YAML 1.1 rules of
// spec/10 section 2; what matches no rule is a string. `node.text` keeps the text as written.
void resolve_plain(std::string text, Node& node);

// Resolves a scalar with its tag as yaml-cpp reports it: `?` for plain, `!` for quoted, else
// the full tag. False if the text does not fit the tag, such as `!!int abc`.
bool resolve_scalar(std::string_view tag, std::string text, Node& node);

// The short name of a standard tag for messages: `!!int`.
std::string short_tag(std::string_view tag);

}  // namespace pointsman
