#pragma once

#include <span>
#include <string>
#include <vector>

#include "pointsman/config/params.h"

namespace pointsman {

// What FieldDoc::allowed says, as values: bounds (of a duration in nanoseconds) and choices.
Bounds bounds_of(const FieldDoc& field);
std::vector<std::string> choices_of(const FieldDoc& field);

// Everything in a block that its table of fields forbids, with the texts and in the order of
// parse(), which needs the parameters' type and stops at a plugin's first problem.
Diagnostics check_fields(const Block& block, std::span<const FieldDoc> fields);

}  // namespace pointsman
