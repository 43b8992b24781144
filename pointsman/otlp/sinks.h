#pragma once

#include <memory>
#include <string>

#include "pointsman/base/result.h"
#include "pointsman/telemetry/otlp_settings.h"
#include "pointsman/telemetry/span_sink.h"

namespace pointsman {

// Sinks for OTLP over gRPC and over HTTP. What becomes of a failed export, to be tried again or
// not, follows the protocol's own lists of codes.
Result<std::unique_ptr<SpanSink>> make_grpc_sink(const OtlpSettings& settings,
                                                 const TraceResource& resource);
Result<std::unique_ptr<SpanSink>> make_http_sink(const OtlpSettings& settings,
                                                 const TraceResource& resource);

// The contents of a PEM file that a variable of the environment names; nothing for no name.
Result<std::string> read_pem(const std::string& path);

}  // namespace pointsman
