#include "pointsman/plugins/parsers/usage_counts.h"

#include <algorithm>

#include "pointsman/base/json_escape.h"

namespace pointsman {
namespace {

using Kind = JsonReader::Kind;

// A count. Anthropic's are numbers, and anything else is none; elsewhere a number in quotes passes
// and what is neither counts as 0. Null is absent.
std::optional<std::int64_t> read_count(ResponseApi api, JsonReader& json) {
  std::string_view text;
  const Kind kind = json.peek();
  if (kind == Kind::number) {
    text = json.number();
  } else if (kind == Kind::string) {
    text = json.string().raw;
  } else {
    json.skip();
  }
  const bool ignored = api == ResponseApi::anthropic && kind != Kind::number;
  if (kind == Kind::null || ignored) return std::nullopt;
  constexpr double kMost = 0x1p53;  // far beyond any count, and exact
  return static_cast<std::int64_t>(std::clamp(number_value(text), 0.0, kMost));
}

// Where both kinds of details name them, those of the input count.
void read_details(ResponseApi api, JsonReader& json, bool of_input, Counts& counts) {
  if (json.peek() != Kind::object) {
    json.skip();
    return;
  }
  json.open();
  KeyName name;
  for (JsonString key; json.next_key(key);) {
    if (name.of(key) == "cached_tokens") {
      const auto cached = read_count(api, json);
      if (of_input || !counts.input_cached) counts.cached = cached;
      counts.input_cached = counts.input_cached || of_input;
    } else {
      json.skip();
    }
  }
}

// Where a count of that name goes; null: it is none.
std::optional<std::int64_t>* place(ResponseApi api, std::string_view name, Counts& counts) {
  if (name == "prompt_tokens") return &counts.prompt;
  if (name == "input_tokens") return &counts.input;
  if (name == "completion_tokens") return &counts.completion;
  if (name == "output_tokens") return &counts.output;
  if (name == "total_tokens") return &counts.total;
  if (name == "cache_read_input_tokens") return &counts.cache_read;
  if (name == "cached_tokens" && api == ResponseApi::sglang) return &counts.cached;
  return nullptr;
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

}  // namespace

std::string_view KeyName::of(const JsonString& key) {
  if (!key.escaped() || key.raw.size() > room_.size()) return key.raw;
  return {room_.data(), write_unescaped(key.raw, room_.data())};
}

std::optional<Counts> read_counts(ResponseApi api, JsonReader& json) {
  if (json.peek() != Kind::object) {
    json.skip();
    return std::nullopt;
  }
  Counts counts;
  json.open();
  KeyName keys;
  for (JsonString key; json.next_key(key);) {
    const std::string_view name = keys.of(key);
    if (auto* const count = place(api, name, counts)) {
      *count = read_count(api, json);
    } else if (name == "finish_reason") {
      counts.finished = json.peek() != Kind::null;
      json.skip();
    } else if (name == "prompt_tokens_details" || name == "input_tokens_details") {
      read_details(api, json, name.starts_with("input"), counts);
    } else {
      json.skip();
    }
  }
  return counts;
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

}  // namespace pointsman
