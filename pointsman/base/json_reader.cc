#include "pointsman/base/json_reader.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <limits>

#include "pointsman/base/json_escape.h"
#include "pointsman/base/json_scan.h"
#include "pointsman/base/text.h"
#include "pointsman/base/utf8.h"

namespace pointsman {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_plain_escape(char c) {
  return kPlainEscapes[static_cast<unsigned char>(c)] != '\0';
}

// The number that up to 7 digits at the front of [at, end) make; moves `at` past them. Without
// branches on the digits, since the lengths of token ids cannot be predicted.
std::uint64_t leading_digits(const char*& at, const char* end) {
  std::uint64_t bytes = 0;
  if (end - at < static_cast<std::ptrdiff_t>(sizeof bytes)) return 0;
  if constexpr (std::endian::native != std::endian::little) return 0;
  std::memcpy(&bytes, at, sizeof bytes);
  // A byte is a digit when its high half is 3 and stays so after adding 6.
  const std::uint64_t strange =
      ((bytes & 0xF0F0F0F0F0F0F0F0U) ^ 0x3030303030303030U) |
      (((bytes + 0x0606060606060606U) & 0xF0F0F0F0F0F0F0F0U) ^ 0x3030303030303030U);
  const int count = std::countr_zero(strange) / 8;
  if (count == 0 || count == sizeof bytes) return 0;
  // The digits move to the top, zeros in front of them; then pairs, fours and eights are joined.
  std::uint64_t digits = (bytes & 0x0F0F0F0F0F0F0F0FU) << static_cast<unsigned>(64 - 8 * count);
  digits = (digits * 10 + (digits >> 8U)) & 0x00FF00FF00FF00FFU;
  digits = (digits * 100 + (digits >> 16U)) & 0x0000FFFF0000FFFFU;
  digits = (digits * 10000 + (digits >> 32U)) & 0xFFFFFFFFU;
  at += count;
  return digits;
}

bool continues_number(char c) {
  return is_digit(c) || c == '.' || c == 'e' || c == 'E';
}

constexpr std::uint64_t kMaxInteger = 0xFFFFFFFF;
constexpr std::ptrdiff_t kMaxIntegerDigits = 10;

const char* past_space(const char* at, const char* end) {
  while (at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) ++at;
  return at;
}

// Whether a double can hold the number at all; Go's decoder refuses those that it cannot.
bool fits_double(std::string_view number) {
  return number_value(number) <= std::numeric_limits<double>::max() &&
         number_value(number) >= std::numeric_limits<double>::lowest();
}

}  // namespace

// Go reads a blank behind the end of the text. Where a blank may stand, the text has merely ended;
// elsewhere that blank is the mistake.
bool JsonReader::fail(Fault fault) {
  const bool blank_may_stand = fault <= Fault::in_string;
  if (!failed()) fault_ = blank_may_stand && at_ == end_ ? Fault::end : fault;
  return false;
}

void JsonReader::skip_space() {
  at_ = past_space(at_, end_);
}

JsonReader::Kind JsonReader::look() {
  if (failed()) return Kind::none;
  skip_space();
  if (at_ == end_) return Kind::none;
  switch (*at_) {
    case '{':
      return Kind::object;
    case '[':
      return Kind::array;
    case '"':
      return Kind::string;
    case 't':
    case 'f':
      return Kind::boolean;
    case 'n':
      return Kind::null;
    default:
      return *at_ == '-' || is_digit(*at_) ? Kind::number : Kind::none;
  }
}

JsonReader::Kind JsonReader::peek() {
  const Kind kind = look();
  if (kind == Kind::none) fail(Fault::value);
  return kind;
}

void JsonReader::open() {
  if (failed()) return;
  if (depth_ == kMaxDepth) {
    fail(Fault::depth);
    return;
  }
  ++depth_;
  kinds_ = (kinds_ << 1U) | (*at_ == '{' ? 1U : 0U);
  fresh_ = true;
  ++at_;
}

void JsonReader::close() {
  ++at_;
  --depth_;
  kinds_ >>= 1U;
  fresh_ = false;
}

bool JsonReader::next_key(JsonString& key) {
  if (failed()) return false;
  skip_space();
  if (at_ != end_ && *at_ == '}') {
    close();
    return false;
  }
  if (!fresh_) {
    if (at_ == end_ || *at_ != ',') return fail(Fault::after_pair);
    ++at_;
    skip_space();
  }
  if (at_ == end_ || *at_ != '"') return fail(Fault::key);
  key = string();
  if (failed()) return false;
  skip_space();
  if (at_ == end_ || *at_ != ':') return fail(Fault::after_key);
  ++at_;
  return true;
}

bool JsonReader::next_element() {
  if (failed()) return false;
  skip_space();
  if (at_ != end_ && *at_ == ']') {
    close();
    return false;
  }
  if (fresh_) {
    fresh_ = false;
    return true;
  }
  if (at_ == end_ || *at_ != ',') return fail(Fault::after_element);
  ++at_;
  return true;
}

std::size_t JsonReader::next_integers(std::span<std::uint32_t> out) {
  std::size_t count = 0;
  while (!failed() && count < out.size()) {
    const char* at = past_space(at_, end_);
    if (!fresh_) {
      if (at == end_ || *at != ',') break;
      at = past_space(at + 1, end_);
    }
    const char* const first = at;
    std::uint64_t value = leading_digits(at, end_);
    while (at != end_ && is_digit(*at) && at - first < kMaxIntegerDigits) {
      value = value * 10 + static_cast<unsigned>(*at++ - '0');
    }
    const bool zero_padded = at - first > 1 && *first == '0';
    if (at == first || at == end_ || zero_padded || continues_number(*at) || value > kMaxInteger) {
      break;
    }
    out[count++] = static_cast<std::uint32_t>(value);
    at_ = at;
    fresh_ = false;
  }
  return count;
}

// Moves at_ to the next byte that ends or interrupts the string, over the plain two-byte escapes,
// which it counts.
void JsonReader::skip_plain(std::size_t& escapes) {
  while (end_ - at_ > static_cast<std::ptrdiff_t>(kScanWidth)) {
    std::uint64_t mask = string_specials(at_);
    std::size_t width = kScanWidth;
    while (mask != 0) {
      const int i = std::countr_zero(mask);
      if (at_[i] != '\\' || !is_plain_escape(at_[i + 1])) {
        at_ += i;
        return;
      }
      ++escapes;
      mask &= ~(std::uint64_t{3} << static_cast<unsigned>(i));
      if (i == kScanWidth - 1) width = kScanWidth + 1;
    }
    at_ += width;
  }
  while (at_ != end_ && *at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) >= 0x20) {
    ++at_;
  }
}

JsonString JsonReader::string() {
  if (failed()) return {};
  const char* const first = ++at_;
  std::size_t saved = 0;
  while (true) {
    skip_plain(saved);
    if (at_ != end_ && *at_ == '"') break;
    const bool escaped = at_ != end_ && *at_ == '\\';
    if (escaped ? !escape(saved) : !fail(Fault::in_string)) return {};
  }
  const std::string_view raw(first, static_cast<std::size_t>(at_ - first));
  fresh_ = false;
  ++at_;
  return {.raw = raw, .size = raw.size() - saved};
}

// Checks one escape sequence and adds to `saved` the bytes that its meaning is shorter.
bool JsonReader::escape(std::size_t& saved) {
  const char* const first = at_++;
  if (at_ != end_ && is_plain_escape(*at_)) {
    ++at_;
    ++saved;
    return true;
  }
  if (at_ == end_ || *at_ != 'u') return fail(Fault::in_escape);
  ++at_;
  for (int i = 0; i < 4; ++i, ++at_) {
    if (at_ == end_ || !hex_value(*at_)) return fail(Fault::in_hex);
  }
  const JsonEscape read = read_escape({first, static_cast<std::size_t>(end_ - first)});
  at_ = first + read.length;
  saved += read.length - utf8_size(read.point);
  return true;
}

// One or more digits.
bool JsonReader::digits(Fault fault) {
  if (at_ == end_ || !is_digit(*at_)) return fail(fault);
  while (at_ != end_ && is_digit(*at_)) ++at_;
  return true;
}

std::string_view JsonReader::number() {
  if (failed()) return {};
  const char* const first = at_;
  if (*at_ == '-') ++at_;
  if (at_ != end_ && *at_ == '0') {
    ++at_;
  } else if (!digits(Fault::in_number)) {
    return {};
  }
  if (at_ != end_ && *at_ == '.') {
    ++at_;
    if (!digits(Fault::after_point)) return {};
  }
  bool large = at_ - first > std::numeric_limits<double>::max_exponent10;
  if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
    large = true;
    ++at_;
    if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!digits(Fault::in_exponent)) return {};
  }
  fresh_ = false;
  const std::string_view text(first, static_cast<std::size_t>(at_ - first));
  if (large && out_of_range_.empty() && !fits_double(text)) out_of_range_ = text;
  return text;
}

void JsonReader::literal(std::string_view word) {
  for (const char& c : word) {
    if (at_ == end_ || *at_ != c) {
      word_ = word.substr(0, static_cast<std::size_t>(&c - word.data()) + 1);
      fail(Fault::in_literal);
      return;
    }
    ++at_;
  }
  fresh_ = false;
}

bool JsonReader::boolean() {
  if (failed()) return false;
  const bool value = *at_ == 't';
  literal(value ? "true" : "false");
  return value;
}

std::string_view JsonReader::skip() {
  const int base = depth_;
  Kind kind = peek();
  const char* const first = at_;
  while (true) {
    switch (kind) {
      case Kind::object:
      case Kind::array:
        open();
        break;
      case Kind::string:
        string();
        break;
      case Kind::number:
        number();
        break;
      case Kind::boolean:
        boolean();
        break;
      case Kind::null:
        literal("null");
        break;
      case Kind::none:
        return {};
    }
    // A value is over or a container was entered: on to the next value inside.
    JsonString key;
    while (depth_ > base && !failed() && !(in_object() ? next_key(key) : next_element())) {
    }
    if (failed()) return {};
    if (depth_ == base) break;
    kind = peek();
  }
  return {first, static_cast<std::size_t>(at_ - first)};
}

bool JsonReader::finish() {
  if (failed()) return false;
  skip_space();
  if (at_ != end_) {
    fail(Fault::after_top);
  } else if (!out_of_range_.empty()) {
    fault_ = Fault::range;
  }
  return !failed();
}

double number_value(std::string_view number) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc::result_out_of_range) return value;
  // from_chars does not tell too large from too small; the sign of the exponent does, but for
  // numbers with hundreds of digits that nobody sends.
  const std::size_t e = number.find_first_of("eE");
  if (e != std::string_view::npos && number[e + 1] == '-') return 0.0;
  const double huge = std::numeric_limits<double>::infinity();
  return number.front() == '-' ? -huge : huge;
}

}  // namespace pointsman
