#pragma once

#include <atomic>
#include <chrono>
#include <span>
#include <string>

#include "pointsman/telemetry/finished_span.h"
#include "pointsman/telemetry/otlp_settings.h"
#include "pointsman/telemetry/span_sink.h"

namespace pointsman {

// Prints one JSON object per span and line on standard output: a development aid.
class ConsoleSink final : public SpanSink {
 public:
  explicit ConsoleSink(const TraceResource& resource, int fd = 1);

  SendOutcome send(std::span<const FinishedSpan> spans, std::chrono::milliseconds limit) override;
  void cancel() override { cancelled_ = true; }

 private:
  std::string line(const FinishedSpan& span) const;

  const int fd_;
  std::string resource_;  // JSON
  std::string scope_;     // the members of a scope after its name
  std::atomic<bool> cancelled_{false};
};

}  // namespace pointsman
