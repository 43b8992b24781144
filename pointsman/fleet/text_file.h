#pragma once

#include <cstddef>
#include <string>

#include "pointsman/base/result.h"

namespace pointsman {

// The bytes of a file, at most `limit`.
// Errors: io, worded `open <path>: no such file or directory`; too_large, worded
// `read <path>: larger than 1048576 bytes`.
// Threading: any thread; blocks.
Result<std::string> read_text_file(const std::string& path, std::size_t limit);

}  // namespace pointsman
