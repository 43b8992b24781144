#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/base/result.h"

namespace pointsman {

// What a gzip file (RFC 1952) of one member says is its decompressed size, in bytes. It may lie,
// but not beyond what so many bytes can hold. Errors: bad_request (too short to be one, or
// impossible), too_large (more than `most`).
Result<std::size_t> gunzipped_size(std::string_view compressed, std::size_t most);

// Decompresses it into `into`, which has the size that it says. Errors: bad_request (not gzip, cut
// short, of another size, followed by something else), internal (no memory).
Result<void> gunzip(std::string_view compressed, std::span<char> into);

// The text as a gzip file of one member, made at the fastest level. Nothing: no memory, or more
// than 4 GiB.
std::optional<std::string> gzip(std::string_view text);

}  // namespace pointsman
