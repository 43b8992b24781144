#include "pointsman/base/quoted_json.h"

#include "pointsman/base/utf8.h"

namespace pointsman {

void append_quoted_json(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
  constexpr std::string_view kShortForms = "\"\\bfnrt";
  constexpr std::string_view kLineEnds = "\xE2\x80";  // U+2028 and U+2029 begin so
  out += '"';
  for (std::size_t read = 0; !text.empty(); text.remove_prefix(read)) {
    read = 1;
    const char c = text.front();
    const auto byte = static_cast<unsigned char>(c);
    if (const auto form = kShort.find(c); form != std::string_view::npos) {
      out += '\\';
      out += kShortForms[form];
    } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
      out.append("\\u00").append(1, kDigits[byte >> 4U]).append(1, kDigits[byte & 15U]);
    } else if (text.size() > 2 && text.starts_with(kLineEnds) &&
               (text[2] == '\xA8' || text[2] == '\xA9')) {
      out += text[2] == '\xA8' ? "\\u2028" : "\\u2029";
      read = kLineEnds.size() + 1;
    } else if (const std::size_t length = utf8_length(text); length > 0) {
      out.append(text.substr(0, length));
      read = length;
    } else {
      out += "\\ufffd";
    }
  }
  out += '"';
}

}  // namespace pointsman
