#pragma once

#include <string_view>

#include "pointsman/base/arena.h"
#include "pointsman/stage/answer.h"

namespace pointsman {

// The numbers as an encoded google.protobuf.Struct: one struct per space. Empty for none; else in
// `arena`.
std::string_view encode(const ProxyMetadata& numbers, Arena& arena);

}  // namespace pointsman
