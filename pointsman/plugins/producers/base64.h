#pragma once

#include <optional>
#include <string_view>

#include "pointsman/base/arena.h"

namespace pointsman {

// Standard base64 with padding (RFC 4648 section 4), in memory of the arena. Nothing is read from
// what is not that.
std::string_view base64_encode(std::string_view bytes, Arena& arena);
std::optional<std::string_view> base64_decode(std::string_view text, Arena& arena);

}  // namespace pointsman
