#include "pointsman/plugins/parsers/usage_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "pointsman/base/json_reader.h"
#include "pointsman/base/json_scan.h"
#include "pointsman/base/text.h"
#include "pointsman/plugins/parsers/usage_counts.h"

namespace pointsman {
namespace {

using Kind = JsonReader::Kind;

constexpr std::string_view kUsage = "usage";
constexpr std::string_view kMetaInfo = "meta_info";

// The top-level key whose value has the counts.
constexpr std::string_view usage_key(ResponseApi api) {
  return api == ResponseApi::sglang ? kMetaInfo : kUsage;
}

// ResponseProgress::state of an event stream: the rest of a line that was too long is passed over.
constexpr std::uint8_t kBeyondLine = 1;

// ResponseProgress::state of a whole answer, as bits. kInUsage: the value of the top-level
// usage_key() is being kept.
constexpr std::uint8_t kInString = 1;
constexpr std::uint8_t kInEscape = 2;
constexpr std::uint8_t kAfterUsageKey = 4;
constexpr std::uint8_t kInUsage = 8;

// What is kept of a top-level string: a key of the longest name, each of its bytes escaped, with
// its closing quote, and one byte more.
constexpr std::size_t kMostKey = (6 * kMetaInfo.size()) + 2;

// A usage object longer than this is not read.
constexpr std::size_t kMaxUsage = std::size_t{64} * 1024;

// A data event: its type, and the usage at the top and inside "response" or "message".
struct Event {
  std::string_view type;
  std::optional<Counts> usage;
  std::optional<Counts> inner;
};

// The event of one data line; nothing when it is not valid JSON.
std::optional<Event> read_event(ResponseApi api, std::string_view payload) {
  JsonReader json(payload);
  Event event;
  if (json.peek() != Kind::object) return std::nullopt;
  json.open();
  KeyName name;
  for (JsonString key; json.next_key(key);) {
    const Kind kind = json.peek();
    const std::string_view means = name.of(key);
    if (means == usage_key(api)) {
      event.usage = read_counts(api, json);
    } else if (means == "type" && kind == Kind::string) {
      event.type = json.string().raw;
    } else if ((means == "response" || means == "message") && kind == Kind::object) {
      json.open();
      for (JsonString inner; json.next_key(inner);) {
        if (name.of(inner) == kUsage) {
          event.inner = read_counts(api, json);
        } else {
          json.skip();
        }
      }
    } else {
      json.skip();
    }
  }
  if (!json.finish()) return std::nullopt;
  return event;
}

void take_event(ResponseApi api, const Event& event, Usage& usage) {
  if (api == ResponseApi::sglang) {
    // Of several ends the first one counts.
    if (event.usage && event.usage->finished && !usage.any()) {
      usage.merge(usage_of(api, *event.usage));
    }
    return;
  }
  if (api == ResponseApi::openai) {
    const bool last = event.type == "response.completed" || event.type == "response.incomplete";
    if (event.usage) {
      usage.merge(usage_of(api, *event.usage));
    } else if (last && event.inner) {
      usage.merge(usage_of(api, *event.inner));
    }
    return;
  }
  if (event.type == "message_start" && event.inner) {
    // What stands there as output is only the beginning.
    Usage start = usage_of(api, *event.inner);
    start.output = -1;
    usage.merge(start);
  } else if (event.type == "message_delta" && event.usage) {
    usage.merge(usage_of(api, *event.usage));
  }
}

// Whether the text may report usage: it holds "usage" as a key whose value is not null. Streams
// with usage switched on carry a null in every event but the last. Of SGLang's the same is true of
// "finish_reason".
bool may_report_usage(ResponseApi api, std::string_view text) {
  const std::string_view key = api == ResponseApi::sglang ? R"("finish_reason")" : R"("usage")";
  while (true) {
    const void* const found = memmem(text.data(), text.size(), key.data(), key.size());
    if (found == nullptr) return false;
    text.remove_prefix(static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) +
                       key.size());
    const std::size_t value = text.find_first_not_of(" \t:");
    if (value == std::string_view::npos) return false;
    if (!text.substr(value).starts_with("null")) return true;
  }
}

constexpr std::string_view kData = "data:";

// Whether the line is an event that cannot go on: its data is a whole JSON value.
bool is_whole_event(std::string_view line) {
  if (!line.starts_with(kData) || !line.ends_with('}')) return false;
  JsonReader json(line.substr(kData.size()));
  json.skip();
  return json.finish();
}

void take_line(ResponseApi api, std::string_view line, ResponseProgress& progress) {
  if (api == ResponseApi::sglang) line = trim(line, kLineBlank);
  if (!line.starts_with(kData)) return;
  line.remove_prefix(kData.size());
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line == "[DONE]") return;
  ++progress.events;
  if (!may_report_usage(api, line)) return;
  if (const auto event = read_event(api, line)) take_event(api, *event, progress.usage);
}

void read_events(ResponseApi api, std::string_view chunk, bool end, ResponseProgress& progress) {
  std::string& carry = progress.carry;
  // Some servers end an event with the chunk and not with a line.
  if (chunk.starts_with(kData) && is_whole_event(carry)) {
    take_line(api, carry, progress);
    carry.clear();
  }
  while (!chunk.empty()) {
    const std::size_t stop = std::min(chunk.find('\n'), chunk.size());
    const std::string_view piece = chunk.substr(0, stop);
    const bool whole = stop < chunk.size();
    chunk.remove_prefix(whole ? stop + 1 : stop);
    if (progress.state == kBeyondLine) {
      if (whole) progress.state = 0;
    } else if (whole && carry.empty()) {
      take_line(api, piece, progress);
    } else if (carry.size() + piece.size() > ResponseProgress::kMaxCarry) {
      carry.append(piece.substr(0, kData.size()));
      if (carry.starts_with(kData)) ++progress.events;
      carry.clear();
      progress.overflowed = true;
      if (!whole) progress.state = kBeyondLine;
    } else {
      carry.append(piece);
      if (whole) {
        take_line(api, carry, progress);
        carry.clear();
      }
    }
  }
  if (end && !carry.empty()) {
    take_line(api, carry, progress);
    carry.clear();
  }
}

// The first byte in [at, end) that a string's reader must look at.
const char* past_plain(const char* at, const char* end) {
  while (end - at >= static_cast<std::ptrdiff_t>(kScanWidth)) {
    const std::uint64_t mask = string_specials(at);
    if (mask != 0) return at + std::countr_zero(mask);
    at += kScanWidth;
  }
  while (at != end && *at != '"' && *at != '\\') ++at;
  return at;
}

// Follows a JSON answer from piece to piece and keeps nothing of it but the value of the top-level
// "usage". It does not check the rest: whatever is wrong there is no business of the router.
class WholeReader {
 public:
  WholeReader(ResponseApi api, ResponseProgress& progress) : api_(api), p_(progress) {}

  void read(std::string_view chunk) {
    const char* at = chunk.data();
    const char* const end = at + chunk.size();
    while (at != end) {
      if (is(kInString)) {
        at = string(at, end);
      } else {
        outside(*at++);
      }
    }
  }

 private:
  bool is(std::uint8_t bit) const { return (p_.state & bit) != 0; }
  void set(std::uint8_t bit) { p_.state |= bit; }
  void clear(std::uint8_t bit) { p_.state &= static_cast<std::uint8_t>(~bit); }

  void keep(std::string_view text) {
    p_.carry.append(text);
    if (p_.carry.size() <= kMaxUsage) return;
    p_.overflowed = true;
    p_.carry.clear();
    clear(kInUsage);
  }

  // Goes on inside a string.
  const char* string(const char* at, const char* end) {
    const char* const first = at;
    if (is(kInEscape)) {
      clear(kInEscape);
      ++at;
    } else {
      at = past_plain(at, end);
      if (at != end && *at == '\\') set(kInEscape);
      if (at != end && *at == '"') clear(kInString);
      if (at != end) ++at;
    }
    const std::string_view piece(first, static_cast<std::size_t>(at - first));
    if (is(kInUsage)) {
      keep(piece);
    } else if (p_.depth == 1) {
      // A top-level key, or a value: enough of it to tell whether it is the one that is looked for.
      p_.carry.append(piece.substr(0, kMostKey - std::min(kMostKey, p_.carry.size())));
      if (!is(kInString)) {
        if (is_usage_key(p_.carry)) set(kAfterUsageKey);
        p_.carry.clear();
      }
    }
    return at;
  }

  // Whether this, which ends with a string's closing quote unless it was too long, is the key.
  bool is_usage_key(std::string_view seen) const {
    const std::string_view key = usage_key(api_);
    if (!seen.contains('\\')) {
      return seen.size() == key.size() + 1 && seen.ends_with('"') && seen.starts_with(key);
    }
    std::array<char, kMostKey + 1> text{'"'};
    const auto end = std::ranges::copy(seen, text.begin() + 1).out;
    JsonReader json({text.data(), static_cast<std::size_t>(end - text.begin())});
    if (json.peek() != Kind::string) return false;
    const JsonString found = json.string();
    return json.finish() && KeyName().of(found) == key;
  }

  // One byte outside of strings.
  void outside(char c) {
    if (is(kAfterUsageKey) && c != ' ' && c != '\t' && c != '\r' && c != '\n') {
      clear(kAfterUsageKey);
      if (c == ':') {
        p_.carry.clear();
        set(kInUsage);
        return;
      }
    }
    const bool closes = c == '}' || c == ']';
    if (is(kInUsage) && p_.depth == 1 && (closes || c == ',')) take_usage();
    if (c == '"') set(kInString);
    if (c == '{' || c == '[') ++p_.depth;
    if (closes && p_.depth > 0) --p_.depth;
    if (is(kInUsage)) keep({&c, 1});
  }

  // The value of "usage" is over.
  void take_usage() {
    JsonReader json(p_.carry);
    const auto counts = read_counts(api_, json);
    if (counts && json.finish()) p_.usage.merge(usage_of(api_, *counts));
    p_.carry.clear();
    clear(kInUsage);
  }

  ResponseApi api_;
  ResponseProgress& p_;
};

}  // namespace

void read_response(ResponseApi api, std::string_view chunk, bool sse, bool end,
                   ResponseProgress& progress) {
  if (sse) {
    read_events(api, chunk, end, progress);
  } else {
    WholeReader(api, progress).read(chunk);
  }
}

}  // namespace pointsman
