#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "pointsman/telemetry/finished_span.h"

namespace pointsman {

// What became of a batch.
struct SendOutcome {
  enum class Kind : std::uint8_t {
    accepted,  // but for `rejected` spans
    retry,     // may succeed later
    refused,   // will never succeed
  };
  Kind kind = Kind::accepted;
  std::uint64_t rejected = 0;
  std::chrono::milliseconds retry_after{0};  // the least time to wait, as the collector asks
  std::string detail;                        // what went wrong
};

// Where spans go: a collector, or standard output.
//
// Threading: send() by one thread, cancel() by any.
class SpanSink {
 public:
  SpanSink() = default;
  SpanSink(const SpanSink&) = delete;
  SpanSink& operator=(const SpanSink&) = delete;
  virtual ~SpanSink() = default;

  // Waits for the answer, at most `limit`.
  virtual SendOutcome send(std::span<const FinishedSpan> spans,
                           std::chrono::milliseconds limit) = 0;

  // Makes the send() that is under way, and every later one, return at once.
  virtual void cancel() = 0;
};

}  // namespace pointsman
