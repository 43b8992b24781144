#pragma once

#include <string_view>

#include "pointsman/base/arena.h"
#include "pointsman/base/random.h"

namespace pointsman {

// A random UUID (version 4) as text, in the arena.
std::string_view make_request_id(Random& random, Arena& arena);

// append_quoted_json() into the arena.
std::string_view quote_json(std::string_view text, Arena& arena);

}  // namespace pointsman
