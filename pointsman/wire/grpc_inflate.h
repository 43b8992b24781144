#pragma once

#include <cstddef>
#include <string_view>

#include "pointsman/base/result.h"
#include "pointsman/wire/byte_queue.h"

namespace pointsman {

// Appends the decompressed content of a gzip file to `out`. Errors: bad_request (not gzip, cut
// short, or followed by something else), too_large (more than `max_size` bytes would come out).
Result<void> gunzip(std::string_view compressed, std::size_t max_size, ByteQueue& out);

}  // namespace pointsman
