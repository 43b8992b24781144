#pragma once

#include <string_view>

#include "pointsman/base/arena.h"
#include "pointsman/base/random.h"

namespace pointsman {

// A random UUID (version 4) as text, in the arena.
std::string_view make_request_id(Random& random, Arena& arena);

// `text` as a JSON string with its quotes, in the arena, in the very bytes of Go's encoder (spec/03
// section 20): `<`, `>`, `&`, U+2028 and U+2029 are escaped too.
std::string_view quote_json(std::string_view text, Arena& arena);

}  // namespace pointsman
