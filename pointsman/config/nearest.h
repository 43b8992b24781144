#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pointsman {

// The candidates that look like `name`, nearest first, at most three; empty if none is close.
// Nearness is the number of edits (insert, delete, replace, swap of neighbours), without regard to
// case; a candidate that contains the name, or is contained in it, counts as close as well.
std::vector<std::string> nearest(std::string_view name,
                                 std::span<const std::string_view> candidates);

// `did you mean "a" or "b"?`, or nothing when nothing is close.
std::string suggestion(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace pointsman
