#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "pointsman/base/clock.h"

namespace pointsman {

// One header line; the name is lower-case.
struct Header {
  std::string_view name;
  std::string_view value;
};

// A stretch of what the model will read, as it stands in the request body. Nothing is copied:
// escaped text is unescaped where it is consumed.
struct PromptPart {
  enum class Kind : std::uint8_t {
    text,     // bytes as they are
    escaped,  // the inside of a JSON string, escapes still in place and known to be valid
    tokens,   // token ids, 4 little-endian bytes each
    repeat,   // starts at the next multiple of 4 bytes: `token` as 4 little-endian bytes, `count`
              // times
    image,    // a URL, base64 data or hash; worth `count` tokens, if 0 what the tokenizer decides
    audio,    // likewise
    video,    // likewise
  };

  Kind kind = Kind::text;
  std::uint32_t token = 0;
  std::uint32_t count = 0;
  std::uint32_t size = 0;  // of text and escaped: bytes after unescaping
  std::string_view bytes;
  std::span<const std::uint32_t> tokens;
};

// One prompt; a completions request may carry several.
struct Prompt {
  std::span<const PromptPart> parts;
};

// A request as the scheduling pipeline sees it. Plain views into the session's memory, which
// outlives it. What a request lacks is empty.
struct Request {
  std::string_view id;              // x-request-id, or one the router made
  std::string_view model;           // as the client wrote it
  std::string_view target_model;    // after rewriting; what scheduling works with
  std::string_view path;            // without the query
  std::span<const Header> headers;  // names lower-case, in order of arrival
  std::span<const Prompt> prompts;  // empty when the payload gives no prompt signal
  std::string_view cache_salt;
  std::string_view fairness_id;
  int priority = 0;  // below zero: may be shed
  bool stream = false;
  std::optional<std::int64_t> max_output_tokens;
  std::size_t body_bytes = 0;  // length of the body as received
  Clock::time_point received;

  // The value of the last header of that name, or empty. REQUIRES: `name` is lower-case.
  std::string_view header(std::string_view name) const;
  // The same for a header with an older name, which counts when there is no line of the newer one
  // at all: an empty line hides what stands under the alias.
  std::string_view header(std::string_view name, std::string_view alias) const {
    return header(has_header(name) ? name : alias);
  }
  // Whether there is such a header at all.
  bool has_header(std::string_view name) const;
};

}  // namespace pointsman
