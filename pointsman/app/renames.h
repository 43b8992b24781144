#pragma once

#include <span>

#include "pointsman/config/renames.h"

namespace pointsman {

// Every spelling that published configurations use and that today's documents write differently:
// the table of spec/12, one row each, in the order in which they are applied.
std::span<const Rename> builtin_renames();

}  // namespace pointsman
