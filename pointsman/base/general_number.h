#pragma once

#include <string>

namespace pointsman {

// A number as Go's %g and %v write it: the shortest text that reads back as the same double, with
// an exponent of at least two digits below 1e-4 and from 1e6 on (pkg.go.dev/strconv, FormatFloat).
std::string general_number(double value);

}  // namespace pointsman
