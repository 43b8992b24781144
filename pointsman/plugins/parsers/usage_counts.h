#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "pointsman/base/json_reader.h"
#include "pointsman/plugins/parsers/usage_reader.h"

namespace pointsman {

// What a key of a JSON object means, whether or not it is written with escapes.
class KeyName {
 public:
  // Lives until the next call. A key with escapes that is longer than any that counts stays as it
  // is.
  std::string_view of(const JsonString& key);

 private:
  std::array<char, 160> room_{};  // six bytes for each of the longest, cache_read_input_tokens
};

// A "usage" object: every name under which servers report token counts (spec/03 sections 8.2, 8.3
// and 8.5).
struct Counts {
  std::optional<std::int64_t> prompt, input, completion, output, total, cached, cache_read;
  bool input_cached = false;  // `cached` is of input_tokens_details
  bool finished = false;      // SGLang's finish_reason is there
};

// Reads the next value; nothing when it is no object.
std::optional<Counts> read_counts(ResponseApi api, JsonReader& json);

// What they say by the rules of the API.
Usage usage_of(ResponseApi api, const Counts& counts);

}  // namespace pointsman
