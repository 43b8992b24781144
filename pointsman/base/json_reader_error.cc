// What is wrong with a text, in the words of Go's decoder.

#include <array>
#include <string>
#include <string_view>

#include "pointsman/base/json_reader.h"
#include "pointsman/base/utf8.h"

namespace pointsman {
namespace {

// A byte as Go quotes it in its messages: as if it were the code point of that number.
std::string quoted(char c) {
  const auto byte = static_cast<unsigned char>(c);
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '\'':
      return R"('\'')";
    case '\\':
      return R"('\\')";
    case '\a':
      return R"('\a')";
    case '\b':
      return R"('\b')";
    case '\f':
      return R"('\f')";
    case '\n':
      return R"('\n')";
    case '\r':
      return R"('\r')";
    case '\t':
      return R"('\t')";
    case '\v':
      return R"('\v')";
    default:
      break;
  }
  if (byte < 0x20 || byte == 0x7F) {
    return std::string("'\\x") + kHex[byte >> 4U] + kHex[byte & 15U] + "'";
  }
  if (byte < 0x80) return std::string("'") + c + "'";
  // What Go does not count as printable.
  if (byte <= 0xA0 || byte == 0xAD) {
    return std::string("'\\u00") + kHex[byte >> 4U] + kHex[byte & 15U] + "'";
  }
  std::array<char, 4> utf8{};
  char* const end = write_utf8(byte, utf8.data());
  return "'" + std::string(utf8.data(), end) + "'";
}

}  // namespace

std::string JsonReader::error() const {
  const auto invalid = [this](std::string_view context) {
    return "invalid character " + quoted(at_ == end_ ? ' ' : *at_) + " " + std::string(context);
  };
  switch (fault_) {
    case Fault::none:
      return {};
    case Fault::end:
      return "unexpected end of JSON input";
    case Fault::value:
      return invalid("looking for beginning of value");
    case Fault::key:
      return invalid("looking for beginning of object key string");
    case Fault::after_key:
      return invalid("after object key");
    case Fault::after_pair:
      return invalid("after object key:value pair");
    case Fault::after_element:
      return invalid("after array element");
    case Fault::after_top:
      return invalid("after top-level value");
    case Fault::in_string:
      return invalid("in string literal");
    case Fault::in_escape:
      return invalid("in string escape code");
    case Fault::in_hex:
      return invalid("in \\u hexadecimal character escape");
    case Fault::in_number:
      return invalid("in numeric literal");
    case Fault::after_point:
      return invalid("after decimal point in numeric literal");
    case Fault::in_exponent:
      return invalid("in exponent of numeric literal");
    case Fault::in_literal: {
      const std::string_view whole = word_[0] == 't' ? "true" : word_[0] == 'f' ? "false" : "null";
      return invalid("in literal " + std::string(whole) + " (expecting " + quoted(word_.back()) +
                     ")");
    }
    case Fault::depth:
      return "exceeded max depth";
    case Fault::range:
      return "json: cannot unmarshal number " + std::string(out_of_range_) +
             " into Go value of type float64";
  }
  return {};
}

}  // namespace pointsman
