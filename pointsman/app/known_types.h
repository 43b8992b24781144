#pragma once

#include <span>
#include <string_view>

namespace pointsman {

// Every plugin type of the reference (spec/02 section 5) and of its later releases that published
// configurations name. What this build lacks of them is refused as not there yet rather than as
// unknown.
std::span<const std::string_view> known_types();

}  // namespace pointsman
