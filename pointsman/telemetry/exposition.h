#pragma once

#include <span>
#include <string>
#include <vector>

#include "pointsman/telemetry/family.h"
#include "pointsman/telemetry/sample.h"

namespace pointsman {

// The Prometheus text format 0.0.4: families sorted by name, series by label value, labels by name,
// numbers in their shortest form. A family without a series is left out.
// `deprecated` includes the twins.
std::string exposition(std::span<const FamilySpec* const> families, std::span<const Sample> samples,
                       bool deprecated);

// The content type of the above.
inline constexpr std::string_view kExpositionType = "text/plain; version=0.0.4; charset=utf-8";

// The families themselves, one line each: name, type, labels, bounds. For the golden file.
std::string catalogue(std::span<const FamilySpec* const> families);

// Appends `value` in the shortest form that reads back the same: 1, 0.005, 1.048576e+06, +Inf.
void append_number(std::string& out, double value);

}  // namespace pointsman
