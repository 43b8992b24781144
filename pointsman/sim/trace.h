#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/base/result.h"

namespace pointsman {

// One request of a recorded workload: when it came, how long it was, which prompt blocks it shared.
struct TraceRequest {
  std::chrono::nanoseconds arrival{};  // since the start of the trace
  std::uint32_t prompt_tokens = 0;
  std::uint32_t output_tokens = 0;
  std::vector<std::uint64_t> block_ids;  // one per block of the prompt, the last may be partial
};

// Reads a trace in the form of the Mooncake FAST'25 data set: one JSON object a line with
// `timestamp` (ms), `input_length`, `output_length` (tokens) and `hash_ids` (one id per 512-token
// block of the prompt; equal ids mean equal text up to there). At most `limit` requests; lines must
// be in order of time. An error names the line.
Result<std::vector<TraceRequest>> parse_trace(std::string_view text, std::size_t limit);

// The same from a file. Fails with `io` when it cannot be read.
Result<std::vector<TraceRequest>> read_trace(const std::string& path, std::size_t limit);

// The data set counts time in buckets of 3 s. Spreads the requests of each bucket evenly over it.
void spread_arrivals(std::vector<TraceRequest>& requests);

}  // namespace pointsman
