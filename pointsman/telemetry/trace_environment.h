#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/telemetry/otlp_settings.h"
#include "pointsman/telemetry/sampler.h"

namespace pointsman {

// Environment variables by name. An empty value counts as unset, as OpenTelemetry has it.
using TraceVariables = std::map<std::string, std::string, std::less<>>;

// The environment of this process.
TraceVariables process_environment();

// What the build and the command say about themselves; not from the environment.
struct TraceIdentity {
  std::string service;    // service.name, unless the environment names another
  std::string build_ref;  // service.version, and the version of every scope
  std::string commit;     // the `commit-sha` of every scope
};

enum class TraceExporter : std::uint8_t { none, console, otlp };

// Bounds of the way to the collector (OTEL_BSP_*).
struct BatchSettings {
  std::chrono::milliseconds schedule_delay{5000};
  std::chrono::milliseconds export_timeout{30'000};  // of one batch, with its retries
  std::size_t max_queue_size = 2048;                 // spans
  std::size_t max_export_batch_size = 512;
};

// Bounds of what one span carries (OTEL_SPAN_*, OTEL_ATTRIBUTE_*).
struct SpanLimits {
  std::size_t attributes = 128;
  std::size_t events = 128;
  std::size_t text = SIZE_MAX;  // characters of a text value
};

// A line for the log: the reader of an environment does not write it itself.
struct TraceNotice {
  bool error = false;
  std::string message;
  std::vector<std::pair<std::string, std::string>> fields;
};

struct TraceSettings {
  bool enabled = true;  // false: OTEL_SDK_DISABLED, no ids either
  TraceExporter exporter = TraceExporter::none;
  Sampler sampler;
  TraceResource resource;
  BatchSettings batch;
  SpanLimits limits;
  OtlpSettings otlp;
  std::vector<TraceNotice> notices;
};

// Reads the OTEL_* variables (spec/01 sections 4.2 to 4.5). What is malformed becomes a notice and
// its default; only an OTLP transport that cannot be made sense of is an error, since sending to a
// guessed place would be worse.
Result<TraceSettings> read_trace_environment(const TraceVariables& environment,
                                             const TraceIdentity& identity);

}  // namespace pointsman
