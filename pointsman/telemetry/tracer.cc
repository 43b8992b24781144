#include "pointsman/telemetry/tracer.h"

#include <cstring>
#include <utility>
#include <vector>

#include "pointsman/telemetry/console_sink.h"
#include "pointsman/telemetry/families.h"
#include "pointsman/telemetry/metrics.h"
#include "pointsman/telemetry/otlp_module.h"

namespace pointsman {
namespace {

constexpr std::uint8_t kSampledFlag = 1;
constexpr std::uint8_t kRandomFlag = 2;

// Fills an id; never with zeros only, which would make it invalid.
template <std::size_t N>
void draw(std::array<std::uint8_t, N>& id, Random& random) {
  for (std::size_t i = 0; i < N; i += 8) {
    const std::uint64_t bits = random.next() | 1U;
    std::memcpy(id.data() + i, &bits, 8);
  }
}

Result<std::unique_ptr<SpanSink>> open_sink(const TraceSettings& settings) {
  switch (settings.exporter) {
    case TraceExporter::console:
      return std::make_unique<ConsoleSink>(settings.resource);
    case TraceExporter::otlp:
      return open_otlp(settings.otlp, settings.resource);
    case TraceExporter::none:
      break;
  }
  return nullptr;
}

std::string_view type_of(TraceExporter exporter) {
  return exporter == TraceExporter::otlp ? "otlp" : "console";
}

void log_notices(const TraceSettings& settings, const Logger& log) {
  for (const TraceNotice& notice : settings.notices) {
    std::string details;
    for (const auto& [key, value] : notice.fields) {
      details.append(details.empty() ? "" : ", ").append(key).append(": ").append(value);
    }
    const int at = notice.error ? verbosity::kError : verbosity::kInfo;
    if (details.empty()) {
      log.info(at, notice.message);
    } else {
      log.info(at, notice.message, {{"details", details}});
    }
  }
}

}  // namespace

Tracer::Tracer(const TraceSettings& settings, std::unique_ptr<SpanSink> sink, const Logger& log,
               RetryPolicy retry)
    : installed_(settings.enabled), sampler_(settings.sampler) {
  if (sink == nullptr || !installed_) return;
  exporter_ = std::make_unique<SpanExporter>(settings.batch, settings.limits, std::move(sink),
                                             pool_, log, retry);
  exporter_->start();
}

Trace Tracer::begin(const TraceHeaders& headers, Random& random) {
  if (!installed_) return {};
  const SpanContext parent = parse_traceparent(headers.traceparent).value_or(SpanContext());
  SpanContext root;
  if (parent.valid()) {
    root.trace_id = parent.trace_id;
  } else {
    draw(root.trace_id, random);
  }
  draw(root.span_id, random);
  const bool sampled = sampler_.samples(parent, root.trace_id);
  root.flags =
      static_cast<std::uint8_t>((parent.flags & kRandomFlag) | (sampled ? kSampledFlag : 0));
  if (!(sampled || record_all_) || exporter_ == nullptr) return Trace(root);
  auto buffer = pool_.take();
  if (buffer == nullptr) {
    unrecorded_.fetch_add(1, std::memory_order_relaxed);
    return Trace(root);
  }
  const std::string_view state =
      parent.valid() ? valid_tracestate(headers.tracestate) : std::string_view();
  return {root, parent, std::move(buffer), random.next(), state};
}

OutgoingTrace Tracer::outgoing(const Trace& trace, const TraceHeaders& headers) {
  const bool continued = parse_traceparent(headers.traceparent).has_value();
  return {.traceparent = format_traceparent(trace.context()),
          .tracestate = continued ? valid_tracestate(headers.tracestate) : std::string_view(),
          .baggage = valid_baggage(headers.baggage)};
}

void Tracer::finish(Trace&& trace, bool keep) {
  auto buffer = trace.release();
  if (buffer == nullptr) return;
  if (keep || trace.context().sampled()) {
    exporter_->offer(std::move(buffer));
  } else {
    pool_.give_back(std::move(buffer));
  }
}

void Tracer::stop(std::chrono::milliseconds patience) {
  if (exporter_ != nullptr) exporter_->stop(patience);
}

void Tracer::add_metrics(Metrics& metrics) const {
  metrics.add_source([this](std::vector<Sample>& out) {
    add_count(out, metric::kTracesUnrecorded, {}, unrecorded_);
    if (exporter_ == nullptr) return;
    const SpanExporter::Counts& counts = exporter_->counts();
    add_count(out, metric::kSpansExported, {}, counts.exported);
    add_count(out, metric::kSpansDropped, {"trace_full"}, counts.trace_full);
    add_count(out, metric::kSpansDropped, {"queue_full"}, counts.queue_full);
    add_count(out, metric::kSpansDropped, {"rejected"}, counts.rejected);
    add_count(out, metric::kSpansDropped, {"given_up"}, counts.given_up);
  });
}

Result<std::unique_ptr<Tracer>> start_tracing(const TraceSettings& settings, Metrics& metrics,
                                              const Logger& parent) {
  const Logger log = parent.named("trace");
  log_notices(settings, log);
  auto sink = settings.enabled ? open_sink(settings) : nullptr;
  if (!sink) {
    return fail(sink.error().code, "failed to init tracing: " + sink.error().message);
  }
  if (*sink != nullptr) {
    log.info(verbosity::kInfo, "init OTel trace exporter", {{"type", type_of(settings.exporter)}});
  }
  auto tracer = std::make_unique<Tracer>(settings, *std::move(sink), log);
  tracer->add_metrics(metrics);
  return tracer;
}

}  // namespace pointsman
