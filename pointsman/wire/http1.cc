#include "pointsman/wire/http1.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

constexpr std::size_t kLongestMethod = 32;
constexpr std::size_t kLongestSizeLine = 4096;  // with its extension
constexpr std::size_t kMostTrailerBytes = 8192;
constexpr std::size_t kMostTrailers = 64;

std::unexpected<HttpRefusal> refuse(std::string_view why, int status = 400) {
  return std::unexpected(HttpRefusal{status, why});
}

// A set of characters, by value.
using Characters = std::array<bool, 256>;

consteval Characters alphanumeric_or(std::string_view others) {
  Characters all{};
  for (int c = '0'; c <= '9'; ++c) all[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) all[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) all[static_cast<std::size_t>(c)] = true;
  for (const char c : others) all[static_cast<std::size_t>(c)] = true;
  return all;
}

// Those of a token (RFC 9110 5.6.2).
constexpr Characters kToken = alphanumeric_or("!#$%&'*+-.^_`|~");
// Those of a host's name (RFC 3986 3.2.2) but for the comma, which would make it a list.
constexpr Characters kHost = alphanumeric_or("-._~%!$&'()*+;=");

bool made_of(const Characters& these, std::string_view text) {
  const auto in = [&these](char c) { return these[static_cast<unsigned char>(c)]; };
  return !text.empty() && std::ranges::all_of(text, in);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_token(std::string_view text) {
  return made_of(kToken, text);
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

bool is_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return is_control(c) && c != '\t'; });
}

bool is_space(char c) {
  return c == ' ' || c == '\t';
}

// Cuts the next line, which ends with CR LF, from the front of `text`.
std::string_view cut_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end - 1);
  text.remove_prefix(end + 1);
  return line;
}

HttpParsed<int> parse_version(std::string_view text) {
  if (text == "HTTP/1.1") return 1;
  if (text == "HTTP/1.0") return 0;
  if (text.size() == 8 && text.starts_with("HTTP/")) {
    return refuse("this server speaks HTTP/1.1", 505);
  }
  return refuse("malformed request line");
}

HttpParsed<void> parse_fields(std::string_view text, const HeadLimits& limits, HttpFields& out) {
  out.clear();
  while (true) {
    const std::string_view line = cut_line(text);
    if (line.empty()) return {};
    if (is_space(line.front())) return refuse("a header field is folded over two lines");
    if (out.size() == limits.fields) return refuse("too many header fields", 431);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return refuse("malformed header field name");
    }
    const auto value = trim(line.substr(colon + 1));
    if (!is_value(value)) return refuse("a header field has a control character");
    out.add(line.substr(0, colon), value);
  }
}

// Brings `http://host/path` to the form `/path`, with its host as Host (RFC 9112 3.2.2).
HttpParsed<void> normalise_target(std::string_view target, RequestHead& out,
                                  std::string_view& authority) {
  const std::string_view scheme = target.substr(0, target.find("://"));
  if (same_name(scheme, "http") || same_name(scheme, "https")) {
    if (scheme.size() == target.size()) return refuse("malformed request target");
    target.remove_prefix(scheme.size() + 3);
    const auto slash = std::min(target.find_first_of("/?"), target.size());
    authority = target.substr(0, slash);
    if (!is_authority(authority)) return refuse("malformed request target");
    target.remove_prefix(slash);
    out.target = target.starts_with('/') ? "" : "/";
    out.target += target;
    return {};
  }
  const bool options = target == "*" && out.method == "OPTIONS";
  if (!target.starts_with('/') && !options) return refuse("malformed request target");
  out.target = target;
  return {};
}

// What Content-Length and Transfer-Encoding say; nothing if there is neither.
HttpParsed<std::optional<Framing>> declared_framing(int minor, const HttpFields& fields) {
  std::optional<std::string_view> length;
  std::optional<std::string_view> coding;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto [name, value] = fields[i];
    if (same_name(name, "content-length")) {
      if (length) return refuse("more than one Content-Length");
      length = value;
    } else if (same_name(name, "transfer-encoding")) {
      if (coding) return refuse("more than one Transfer-Encoding");
      coding = value;
    }
  }
  if (length && coding) return refuse("both Content-Length and Transfer-Encoding");
  if (coding) {
    if (minor == 0) return refuse("Transfer-Encoding in HTTP/1.0");
    if (!same_name(*coding, "chunked")) return refuse("unknown Transfer-Encoding", 501);
    return Framing{Framing::Kind::chunked};
  }
  if (!length) return std::nullopt;
  const auto bytes = number_in<std::uint64_t>(*length);
  if (!bytes) return refuse("malformed Content-Length");
  return Framing{Framing::Kind::length, *bytes};
}

}  // namespace

bool is_authority(std::string_view text) {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto close = std::min(text.find(']'), text.size() - 1);
    std::string inside(text.substr(1, close - 1));
    std::erase(inside, ':');
    if (!made_of(kHost, inside) || text[close] != ']') return false;
    port = text.substr(close + 1);
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    if (!made_of(kHost, text.substr(0, colon))) return false;
    port = text.substr(colon);
  }
  if (port.empty()) return true;
  return port.starts_with(':') && port.size() <= 6 && std::ranges::all_of(port.substr(1), is_digit);
}

bool is_target(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= ' ' || byte >= 0x7F || c == '#';
  });
}

Expectation expectation(const HttpFields& fields) {
  auto found = Expectation::none;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!same_name(fields[i].name, "expect")) continue;
    for (std::string_view rest = fields[i].value; !rest.empty();) {
      const std::string_view one = trim(take_part(rest, ','));
      if (one.empty()) continue;
      if (!same_name(one, "100-continue")) return Expectation::unknown;
      found = Expectation::go_ahead;
    }
  }
  return found;
}

HttpParsed<std::string_view> HeadScanner::take(std::string_view& input) {
  if (std::exchange(finished_, false)) kept_.clear();
  if (kept_.empty()) {
    line_ = 0;
    while (input.starts_with("\r\n")) input.remove_prefix(2);
    if (input == "\r") return std::string_view();
  }
  std::size_t at = 0;  // where the line begins, if not in kept_
  while (true) {
    const auto found = input.find('\n', at);
    if (found == std::string_view::npos) break;
    const std::size_t length = line_ + found - at;
    const char before = found > at ? input[found - 1] : (line_ > 0 ? kept_.back() : '\0');
    if (before != '\r') return refuse("a line does not end with CR LF");
    if (kept_.size() + found + 1 > limit_) return refuse("the header is too large", 431);
    if (length == 1) {
      const std::string_view head = input.substr(0, found + 1);
      input.remove_prefix(found + 1);
      if (kept_.empty()) return head;
      kept_ += head;
      finished_ = true;
      return kept_;
    }
    line_ = 0;
    at = found + 1;
  }
  if (kept_.size() + input.size() > limit_) return refuse("the header is too large", 431);
  line_ += input.size() - at;
  kept_ += input;
  input = {};
  return std::string_view();
}

void HeadScanner::clear() {
  kept_.clear();
  kept_.shrink_to_fit();
  finished_ = false;
}

HttpParsed<void> parse_request_head(std::string_view text, const HeadLimits& limits,
                                    RequestHead& out) {
  const std::string_view line = cut_line(text);
  const auto first = line.find(' ');
  const auto second = line.rfind(' ');
  if (first == std::string_view::npos || second == first) return refuse("malformed request line");
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, second - first - 1);
  const auto minor = parse_version(line.substr(second + 1));
  if (!minor) return std::unexpected(minor.error());
  if (!is_token(method) || method.size() > kLongestMethod) return refuse("malformed method");
  if (method == "CONNECT") return refuse("CONNECT is not supported", 501);
  if (!is_target(target)) return refuse("malformed request target");
  out.method = method;
  out.minor = *minor;
  std::string_view authority;
  if (auto good = normalise_target(target, out, authority); !good) return good;
  if (auto good = parse_fields(text, limits, out.fields); !good) return good;
  std::size_t hosts = 0;
  for (std::size_t i = 0; i < out.fields.size(); ++i) {
    if (same_name(out.fields[i].name, "host")) ++hosts;
  }
  if (hosts > 1 || (hosts == 0 && out.minor == 1)) return refuse("there must be one Host field");
  // An empty one is that of a target without a host (RFC 9112 3.2).
  if (const auto host = out.fields.find("host"); host && !host->empty() && !is_authority(*host)) {
    return refuse("malformed Host field");
  }
  if (!authority.empty()) out.fields.set("Host", authority);
  return {};
}

HttpParsed<void> parse_response_head(std::string_view text, const HeadLimits& limits,
                                     ResponseHead& out) {
  const std::string_view line = cut_line(text);
  // HTTP/1.1 200 OK; the reason, and even the space before it, may be missing.
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ' ||
      (line.size() > 12 && line[12] != ' ')) {
    return refuse("malformed status line");
  }
  if (line[7] != '0' && line[7] != '1') return refuse("unknown version of HTTP");
  out.minor = line[7] - '0';
  const auto status = number_in<int>(line.substr(9, 3));
  if (!status || *status < kLowestStatus || *status > kHighestStatus)
    return refuse("malformed status");
  out.status = *status;
  const auto reason = line.size() > 13 ? line.substr(13) : std::string_view();
  if (!is_value(reason)) return refuse("the reason has a control character");
  out.reason = reason;
  return parse_fields(text, limits, out.fields);
}

HttpParsed<Framing> request_framing(const RequestHead& head) {
  const auto declared = declared_framing(head.minor, head.fields);
  if (!declared) return std::unexpected(declared.error());
  return declared->value_or(Framing{});
}

HttpParsed<Framing> response_framing(const ResponseHead& head, std::string_view method) {
  if (method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304) {
    return Framing{};
  }
  const auto declared = declared_framing(head.minor, head.fields);
  if (!declared) return std::unexpected(declared.error());
  return declared->value_or(Framing{Framing::Kind::until_close});
}

bool keeps_open(int minor, const HttpFields& fields) {
  if (fields.has_token("connection", "close")) return false;
  return minor == 1 || fields.has_token("connection", "keep-alive");
}

HttpParsed<std::string_view> ChunkDecoder::take(std::string_view& input) {
  while (!input.empty() && state_ != State::done) {
    if (state_ == State::data) {
      const auto piece =
          input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size())));
      input.remove_prefix(piece.size());
      left_ -= piece.size();
      if (left_ == 0) state_ = State::data_cr;
      return piece;
    }
    if (auto good = framing(input.front()); !good) return std::unexpected(good.error());
    input.remove_prefix(1);
  }
  return std::string_view();
}

HttpParsed<void> ChunkDecoder::trailers(HttpFields& out) const {
  const auto read = parse_fields(trailers_, {kMostTrailerBytes, kMostTrailers}, out);
  remove_forbidden_trailers(out);
  return read;
}

// One byte of what lies around the data.
HttpParsed<void> ChunkDecoder::framing(char c) {
  const auto expect = [&](char wanted, State next) -> HttpParsed<void> {
    if (c != wanted) return refuse("malformed chunk");
    state_ = next;
    return {};
  };
  switch (state_) {
    case State::size: {
      if (++overhead_ > kLongestSizeLine) return refuse("malformed chunk size");
      if (const auto digit = hex_value(c)) {
        if (left_ >> 59U != 0) return refuse("chunk size too large");
        left_ = left_ * 16 + *digit;
        any_digit_ = true;
        return {};
      }
      if (!any_digit_) return refuse("malformed chunk size");
      [[fallthrough]];
    }
    case State::blank:
      if (state_ == State::blank && ++overhead_ > kLongestSizeLine) {
        return refuse("malformed chunk size");
      }
      if (c == '\r') return expect('\r', State::size_lf);
      if (c != ';' && !is_space(c)) return refuse("malformed chunk size");
      state_ = c == ';' ? State::extension : State::blank;
      return {};
    case State::extension:
      if (++overhead_ > kLongestSizeLine) return refuse("chunk extension too long");
      if (c == '\r') return expect('\r', State::size_lf);
      return is_control(c) && c != '\t' ? refuse("malformed chunk extension") : HttpParsed<void>();
    case State::size_lf:
      overhead_ = 0;
      any_digit_ = false;
      return expect('\n', left_ > 0 ? State::data : State::trailer);
    case State::data_cr:
      return expect('\r', State::data_lf);
    case State::data_lf:
      return expect('\n', State::size);
    case State::trailer:
    case State::trailer_line:
      trailers_ += c;
      if (++overhead_ > kMostTrailerBytes) return refuse("trailers too large");
      if (c == '\r') {
        state_ = state_ == State::trailer ? State::last_lf : State::trailer_lf;
        return {};
      }
      if (is_control(c) && c != '\t') return refuse("malformed trailer");
      state_ = State::trailer_line;
      return {};
    case State::trailer_lf:
      trailers_ += c;
      return expect('\n', State::trailer);
    case State::last_lf:
      trailers_ += c;
      return expect('\n', State::done);
    case State::data:
    case State::done:
      break;
  }
  return {};
}

}  // namespace pointsman
