#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "pointsman/base/random.h"
#include "pointsman/base/result.h"
#include "pointsman/model/trace.h"
#include "pointsman/telemetry/log.h"
#include "pointsman/telemetry/sampler.h"
#include "pointsman/telemetry/span_exporter.h"
#include "pointsman/telemetry/trace_context.h"
#include "pointsman/telemetry/trace_environment.h"
#include "pointsman/telemetry/trace_pool.h"

namespace pointsman {

class Metrics;

// The propagation headers of a request, as they came; absent ones are empty.
struct TraceHeaders {
  std::string_view traceparent;
  std::string_view tracestate;
  std::string_view baggage;
};

// What is sent upstream in their place. Empty texts are left out; views point into TraceHeaders.
struct OutgoingTrace {
  std::array<char, kTraceparentSize> traceparent{};
  std::string_view tracestate;
  std::string_view baggage;
};

// Makes the Trace of a request when it arrives, and takes it when the request is over.
//
// Threading: any thread. begin() and finish() neither lock nor, in steady state, allocate.
class Tracer {
 public:
  // Tracing is off: every Trace is, and the client's headers pass unchanged.
  Tracer() = default;
  // `sink` may be null: ids are passed on, nothing is recorded.
  Tracer(const TraceSettings& settings, std::unique_ptr<SpanSink> sink, const Logger& log,
         RetryPolicy retry = {});

  bool installed() const { return installed_; }

  // A root span's context below the caller's, or of a trace of its own when there is none.
  // `random` is the calling thread's.
  Trace begin(const TraceHeaders& headers, Random& random);

  // REQUIRES: trace.installed(), and `headers` are those that it began with.
  static OutgoingTrace outgoing(const Trace& trace, const TraceHeaders& headers);

  // Records every request from now on, so that finish() can keep some that nobody sampled.
  // REQUIRES: before the first begin().
  void record_all() { record_all_ = true; }

  // The request is over: its spans go to the exporter if it was sampled when it began, or `keep`
  // says that it turned out worth it. Never waits.
  void finish(Trace&& trace, bool keep = false);

  // Exports what is left, for at most `patience`.
  void stop(std::chrono::milliseconds patience);

  // Adds the pointsman_spans_* families. This object must outlive the last scrape.
  void add_metrics(Metrics& metrics) const;

 private:
  bool installed_ = false;
  bool record_all_ = false;
  Sampler sampler_;
  TracePool pool_;
  std::atomic<std::uint64_t> unrecorded_{0};
  std::unique_ptr<SpanExporter> exporter_;
};

// The tracer that `settings` ask for, started; its notices are logged under `parent`.trace. An
// error begins with "failed to init tracing".
Result<std::unique_ptr<Tracer>> start_tracing(const TraceSettings& settings, Metrics& metrics,
                                              const Logger& parent);

}  // namespace pointsman
