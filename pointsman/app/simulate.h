#pragma once

#include "pointsman/app/command_line.h"

namespace pointsman {

// Runs simulated model servers until a signal stops them. Returns the exit code.
int simulate(const SimFlags& flags);

// Replays a recorded workload and prints what came of it. Returns the exit code.
int load(const LoadFlags& flags);

}  // namespace pointsman
