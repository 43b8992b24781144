#pragma once

#include <string>
#include <string_view>

namespace pointsman {

// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so that
// the result is valid JSON whatever was put in.
void append_json(std::string& out, std::string_view text);

// Appends `value` in its shortest form; what JSON has no number for becomes a string.
void append_json(std::string& out, double value);

}  // namespace pointsman
