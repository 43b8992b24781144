#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pointsman/base/arena.h"

namespace pointsman {

// Standard base64 with padding. Nothing for what is not.
std::string base64_encode(std::string_view bytes);
std::optional<std::string_view> base64_decode(std::string_view text, Arena& arena);

}  // namespace pointsman
