#pragma once

#include "pointsman/app/command_line.h"

namespace pointsman {

// Runs the endpoint picker behind Envoy until a signal stops it. Returns the exit code.
int epp(const EppFlags& flags);

}  // namespace pointsman
