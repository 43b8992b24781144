#include "pointsman/telemetry/trace_context.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

constexpr std::uint8_t kKnownFlags = 0x03;  // sampled, random
constexpr std::size_t kMaxStateMembers = 32;
constexpr std::size_t kMaxBaggageMembers = 180;
constexpr std::size_t kMaxBaggageBytes = 8192;

constexpr bool lower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool digit(char c) {
  return c >= '0' && c <= '9';
}

// Lower-case hexadecimal only: upper case makes a traceparent invalid.
constexpr int nibble(char c) {
  if (digit(c)) return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool read_hex(std::string_view text, std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = nibble(text[2 * i]);
    const int low = nibble(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(16 * high + low);
  }
  return true;
}

// Takes the part of `rest` up to `delimiter` off it.
std::string_view cut(std::string_view& rest, char delimiter) {
  const std::size_t at = rest.find(delimiter);
  const std::string_view part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return part;
}

// A key of tracestate: `name`, or `tenant@system`.
bool state_key(std::string_view key) {
  const auto word = [](std::string_view text, std::size_t max, bool digit_first) {
    return !text.empty() && text.size() <= max &&
           (lower(text[0]) || (digit_first && digit(text[0]))) &&
           std::ranges::all_of(text, [](char c) {
             return lower(c) || digit(c) || c == '_' || c == '-' || c == '*' || c == '/';
           });
  };
  const std::size_t at = key.find('@');
  if (at == std::string_view::npos) return word(key, 256, false);
  return word(key.substr(0, at), 241, true) && word(key.substr(at + 1), 14, false);
}

bool state_value(std::string_view value) {
  return !value.empty() && value.size() <= 256 && value.back() != ' ' &&
         std::ranges::all_of(value,
                             [](char c) { return c >= ' ' && c <= '~' && c != ',' && c != '='; });
}

// RFC 7230 token.
bool token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return lower(c) || digit(c) || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").contains(c);
  });
}

bool baggage_value(std::string_view value) {
  const auto hex = [&value](std::size_t i) {
    return i < value.size() && (nibble(value[i]) >= 0 || (value[i] >= 'A' && value[i] <= 'F'));
  };
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c <= ' ' || c > '~' || c == '"' || c == ',' || c == ';' || c == '\\') return false;
    if (c == '%' && (!hex(i + 1) || !hex(i + 2))) return false;
  }
  return true;
}

// key=value, or in a property only the key.
bool baggage_pair(std::string_view pair, bool bare) {
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos) return bare && token(trim(pair));
  return token(trim(pair.substr(0, equals))) && baggage_value(trim(pair.substr(equals + 1)));
}

bool baggage_member(std::string_view member) {
  if (!baggage_pair(cut(member, ';'), false)) return false;
  while (!member.empty()) {
    if (!baggage_pair(cut(member, ';'), true)) return false;
  }
  return true;
}

}  // namespace

std::optional<SpanContext> parse_traceparent(std::string_view value) {
  // vv-<32 trace id>-<16 span id>-<2 flags>; a later version may go on after another dash.
  if (value.size() < kTraceparentSize || value[2] != '-' || value[35] != '-' || value[52] != '-') {
    return std::nullopt;
  }
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  SpanContext context;
  if (!read_hex(value, version) || !read_hex(value.substr(3), context.trace_id) ||
      !read_hex(value.substr(36), context.span_id) || !read_hex(value.substr(53), flags)) {
    return std::nullopt;
  }
  if (version[0] == 0xFF || !context.valid()) return std::nullopt;
  const bool more = value.size() > kTraceparentSize;
  if (version[0] == 0 && (more || flags[0] > kKnownFlags)) return std::nullopt;
  if (more && value[kTraceparentSize] != '-') return std::nullopt;
  context.flags = flags[0] & kKnownFlags;
  return context;
}

char* write_hex(std::span<const std::uint8_t> bytes, char* out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const std::uint8_t byte : bytes) {
    *out++ = kDigits[byte >> 4U];
    *out++ = kDigits[byte & 15U];
  }
  return out;
}

std::array<char, kTraceparentSize> format_traceparent(const SpanContext& context) {
  std::array<char, kTraceparentSize> text{'0', '0', '-'};
  char* at = write_hex(context.trace_id, text.data() + 3);
  *at++ = '-';
  at = write_hex(context.span_id, at);
  *at++ = '-';
  write_hex(std::array{context.flags}, at);
  return text;
}

std::string_view valid_tracestate(std::string_view value) {
  value = trim(value);
  std::array<std::string_view, kMaxStateMembers> keys;
  std::size_t count = 0;
  for (std::string_view rest = value; !rest.empty();) {
    const std::string_view member = trim(cut(rest, ','));
    if (member.empty()) continue;
    const std::size_t equals = member.find('=');
    if (equals == std::string_view::npos || count == keys.size()) return {};
    const std::string_view key = member.substr(0, equals);
    const auto* const end = keys.begin() + count;
    if (!state_key(key) || !state_value(member.substr(equals + 1)) ||
        std::find(keys.cbegin(), end, key) != end) {
      return {};
    }
    keys[count++] = key;
  }
  return count == 0 ? std::string_view() : value;
}

std::string_view valid_baggage(std::string_view value) {
  value = trim(value);
  if (value.size() > kMaxBaggageBytes) return {};
  std::size_t count = 0;
  for (std::string_view rest = value; !rest.empty(); ++count) {
    if (count == kMaxBaggageMembers || !baggage_member(cut(rest, ','))) return {};
  }
  return value;
}

}  // namespace pointsman
