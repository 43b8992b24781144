#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "pointsman/base/result.h"

namespace pointsman {

// Reads a duration in Go's grammar: `300ms`, `1m`, `1h30m`, `-1.5s`, `0`.
// Errors: invalid_config with Go's text, such as `time: missing unit in duration "5"`.
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

// The duration as Go writes it: `1m0s`, `300ms`, `1.5s`, `0s`.
std::string format_duration(std::chrono::nanoseconds value);

}  // namespace pointsman
