#pragma once

#include "pointsman/app/command_line.h"

namespace pointsman {

// Runs the standalone router until a signal stops it. Returns the exit code.
int serve(const ServeFlags& flags);

}  // namespace pointsman
