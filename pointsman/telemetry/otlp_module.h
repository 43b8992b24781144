#pragma once

#include <memory>

#include "pointsman/base/result.h"
#include "pointsman/telemetry/otlp_settings.h"
#include "pointsman/telemetry/span_sink.h"

namespace pointsman {

// A sink that sends to an OTLP collector. Its code, with OpenTelemetry, gRPC and curl below it, is
// in a module of its own, pointsman-otlp.so, that is loaded by the first call: those libraries
// cost every start 30 ms and 14 MiB, and most processes export nothing.
// The module stands beside the executable, or in ../lib/pointsman from there.
Result<std::unique_ptr<SpanSink>> open_otlp(const OtlpSettings& settings,
                                            const TraceResource& resource);

// The one symbol of the module. Fills `sink`.
using OtlpModuleEntry = void (*)(const OtlpSettings& settings, const TraceResource& resource,
                                 Result<std::unique_ptr<SpanSink>>& sink);
inline constexpr const char* kOtlpModuleEntry = "pointsman_open_otlp";

}  // namespace pointsman
