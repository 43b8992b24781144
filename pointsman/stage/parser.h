#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "pointsman/base/arena.h"
#include "pointsman/base/result.h"
#include "pointsman/model/request.h"

namespace pointsman {

// What a parser says of a request besides filling it in.
struct Parsed {
  bool skip_response = false;  // the proxy may go on without us after the request
  // Where the value of the top-level "model" stands in the body, quotes included; absent when the
  // payload cannot be rewritten or has none.
  std::optional<std::pair<std::size_t, std::size_t>> model_value;  // offset, length
  bool rewritable = false;                                         // the payload is a JSON object
  std::uint8_t mode = 0;  // what ResponseProgress::mode shall begin with
};

// Token counts that a model server reported. -1: not reported.
struct Usage {
  std::int64_t prompt = -1;
  std::int64_t output = -1;
  std::int64_t total = -1;
  std::int64_t cached = -1;

  bool any() const { return prompt >= 0 || output >= 0 || cached >= 0; }
  // Takes over what `newer` reports: spec/03 section 9.2.
  void merge(const Usage& newer);
};

// How far the response of one request has been read. Reset with reset(), which keeps the memory.
struct ResponseProgress {
  Usage usage;
  std::uint64_t events = 0;  // streamed data events
  bool overflowed = false;   // a line or value was too long to be read: usage may be missing

  // What the parser must remember from one piece to the next: an unfinished line or value, never
  // more than kMaxCarry, and where in the JSON it stands.
  std::string carry;
  std::uint32_t depth = 0;
  std::uint8_t state = 0;
  // Likewise of a gRPC body: an unfinished frame, also at most kMaxCarry, or how much of one is to
  // be passed over because it is longer.
  std::string frame;
  std::uint32_t frame_left = 0;
  // The parser's own: which of its APIs this is. Begins as Parsed::mode.
  std::uint8_t mode = 0;

  static constexpr std::size_t kMaxCarry = 1U << 20U;

  void reset();
};

// Knows one API: which paths it answers, and how to read requests and responses of it.
class Parser {
 public:
  virtual ~Parser() = default;

  // Path suffixes it claims; none makes it the fallback.
  virtual std::span<const std::string_view> paths() const = 0;

  // Reads the body once and wholly. Fills model, stream, max_output_tokens, prompts and cache_salt
  // of `request`, whose path and headers are set; views point into `body` and `arena`.
  // Threading: called concurrently.
  virtual Result<Parsed> parse(std::string_view body, Request& request, Arena& arena) const = 0;

  // Reads the next piece of a response. `sse`: the content type is text/event-stream. `end`: the
  // last piece. Never fails: what cannot be read is not reported.
  virtual void read(std::string_view chunk, bool sse, bool end,
                    ResponseProgress& progress) const = 0;
};

}  // namespace pointsman
