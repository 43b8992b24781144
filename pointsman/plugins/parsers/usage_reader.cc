#include "pointsman/plugins/parsers/usage_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "pointsman/base/json_reader.h"
#include "pointsman/base/json_scan.h"

namespace pointsman {
namespace {

using Kind = JsonReader::Kind;

constexpr std::string_view kUsage = "usage";
constexpr std::string_view kMetaInfo = "meta_info";
constexpr std::string_view kFinishReason = "finish_reason";

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

// A usage object longer than this is not read.
constexpr std::size_t kMaxUsage = std::size_t{64} * 1024;

// A "usage" object: every name under which servers report token counts (spec/03 sections 8.2, 8.3).
struct Counts {
  std::optional<std::int64_t> prompt, input, completion, output, total, cached, cache_read;
  bool input_cached = false;  // `cached` is of input_tokens_details
  bool finished = false;      // SGLang's finish_reason is there
};

// A data event: its type, and the usage at the top and inside "response" or "message".
struct Event {
  std::string_view type;
  std::optional<Counts> usage;
  std::optional<Counts> inner;
};

// A count; a number in quotes passes, anything else counts as 0. Null is absent.
std::optional<std::int64_t> read_count(JsonReader& json) {
  std::string_view text;
  const Kind kind = json.peek();
  if (kind == Kind::number) {
    text = json.number();
  } else if (kind == Kind::string) {
    text = json.string().raw;
  } else {
    json.skip();
  }
  if (kind == Kind::null) return std::nullopt;
  constexpr double kMost = 0x1p53;  // far beyond any count, and exact
  return static_cast<std::int64_t>(std::clamp(number_value(text), 0.0, kMost));
}

// Where both kinds of details name them, those of the input count.
void read_details(JsonReader& json, bool of_input, Counts& counts) {
  if (json.peek() != Kind::object) {
    json.skip();
    return;
  }
  json.open();
  for (JsonString key; json.next_key(key);) {
    if (key.raw == "cached_tokens") {
      const auto cached = read_count(json);
      if (of_input || !counts.input_cached) counts.cached = cached;
      counts.input_cached = counts.input_cached || of_input;
    } else {
      json.skip();
    }
  }
}

std::optional<Counts> read_counts(JsonReader& json) {
  if (json.peek() != Kind::object) {
    json.skip();
    return std::nullopt;
  }
  Counts counts;
  json.open();
  for (JsonString key; json.next_key(key);) {
    if (key.raw == "prompt_tokens") {
      counts.prompt = read_count(json);
    } else if (key.raw == "input_tokens") {
      counts.input = read_count(json);
    } else if (key.raw == "completion_tokens") {
      counts.completion = read_count(json);
    } else if (key.raw == "output_tokens") {
      counts.output = read_count(json);
    } else if (key.raw == "total_tokens") {
      counts.total = read_count(json);
    } else if (key.raw == "cache_read_input_tokens") {
      counts.cache_read = read_count(json);
    } else if (key.raw == "cached_tokens") {
      counts.cached = read_count(json);
    } else if (key.raw == kFinishReason) {
      counts.finished = json.peek() != Kind::null;
      json.skip();
    } else if (key.raw == "prompt_tokens_details" || key.raw == "input_tokens_details") {
      read_details(json, key.raw == "input_tokens_details", counts);
    } else {
      json.skip();
    }
  }
  return counts;
}

// The event of one data line; nothing when it is not valid JSON.
std::optional<Event> read_event(ResponseApi api, std::string_view payload) {
  JsonReader json(payload);
  Event event;
  if (json.peek() != Kind::object) return std::nullopt;
  json.open();
  for (JsonString key; json.next_key(key);) {
    const Kind kind = json.peek();
    if (key.raw == usage_key(api)) {
      event.usage = read_counts(json);
    } else if (key.raw == "type" && kind == Kind::string) {
      event.type = json.string().raw;
    } else if ((key.raw == "response" || key.raw == "message") && kind == Kind::object) {
      json.open();
      for (JsonString inner; json.next_key(inner);) {
        if (inner.raw == kUsage) {
          event.inner = read_counts(json);
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

Usage openai_usage(const Counts& counts) {
  return {.prompt = counts.prompt.value_or(counts.input.value_or(-1)),
          .output = counts.completion.value_or(counts.output.value_or(-1)),
          .total = counts.total.value_or(-1),
          .cached = counts.cached.value_or(-1)};
}

Usage anthropic_usage(const Counts& counts) {
  return {.prompt = counts.input.value_or(-1),
          .output = counts.output.value_or(-1),
          .cached = counts.cache_read.value_or(-1)};
}

Usage sglang_usage(const Counts& counts) {
  if (!counts.prompt && !counts.completion) return {};
  return {.prompt = counts.prompt.value_or(0),
          .output = counts.completion.value_or(0),
          .cached = counts.cached.value_or(-1)};
}

Usage usage_of(ResponseApi api, const Counts& counts) {
  switch (api) {
    case ResponseApi::openai:
      return openai_usage(counts);
    case ResponseApi::anthropic:
      return anthropic_usage(counts);
    case ResponseApi::sglang:
      break;
  }
  return sglang_usage(counts);
}

void take_event(ResponseApi api, const Event& event, Usage& usage) {
  if (api == ResponseApi::sglang) {
    if (event.usage && event.usage->finished) usage.merge(sglang_usage(*event.usage));
    return;
  }
  if (api == ResponseApi::openai) {
    const bool last = event.type == "response.completed" || event.type == "response.incomplete";
    if (event.usage) {
      usage.merge(openai_usage(*event.usage));
    } else if (last && event.inner) {
      usage.merge(openai_usage(*event.inner));
    }
    return;
  }
  if (event.type == "message_start" && event.inner) {
    // What stands there as output is only the beginning.
    Usage start = anthropic_usage(*event.inner);
    start.output = -1;
    usage.merge(start);
  } else if (event.type == "message_delta" && event.usage) {
    usage.merge(anthropic_usage(*event.usage));
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
      const std::string_view key = usage_key(api_);
      const std::size_t most = key.size() + 2;
      p_.carry.append(piece.substr(0, most - std::min(most, p_.carry.size())));
      if (!is(kInString)) {
        const std::string_view seen = p_.carry;
        if (seen.ends_with('"') && seen.substr(0, seen.size() - 1) == key) set(kAfterUsageKey);
        p_.carry.clear();
      }
    }
    return at;
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
    const auto counts = read_counts(json);
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
