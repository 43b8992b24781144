#pragma once

#include "pointsman/app/command_line.h"

namespace pointsman {

// Judges a configuration: prints the effective one, or every problem with its place. Returns the
// exit code, 0 or 1.
int check(const CheckFlags& flags);

}  // namespace pointsman
