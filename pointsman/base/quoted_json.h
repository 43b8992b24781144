#pragma once

#include <string>
#include <string_view>

namespace pointsman {

// Appends `text` as a JSON string with its quotes, in the very bytes of Go's encoder (spec/03
// section 20): `<`, `>`, `&`, U+2028 and U+2029 are escaped too, and a byte that is not UTF-8
// becomes \ufffd. Other bytes stay as they are.
void append_quoted_json(std::string& out, std::string_view text);

}  // namespace pointsman
