#pragma once

#include <memory>
#include <span>

#include "pointsman/telemetry/finished_span.h"
#include "pointsman/telemetry/otlp_settings.h"

namespace opentelemetry::proto::collector::trace::v1 {
class ExportTraceServiceRequest;
}

namespace pointsman {

using OtlpRequest = opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest;

// Spans to OTLP, by OpenTelemetry's own recordable.
//
// Threading: one thread at a time.
class OtlpEncoder {
 public:
  explicit OtlpEncoder(const TraceResource& resource);
  ~OtlpEncoder();

  // Adds `spans` to `request`, grouped by scope.
  void encode(std::span<const FinishedSpan> spans, OtlpRequest& request);

 private:
  struct Context;  // OpenTelemetry's resource and scopes
  std::unique_ptr<Context> context_;
};

}  // namespace pointsman
