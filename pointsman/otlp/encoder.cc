#include "pointsman/otlp/encoder.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <opentelemetry/common/key_value_iterable_view.h>
#include <opentelemetry/exporters/otlp/otlp_recordable.h>
#include <opentelemetry/exporters/otlp/otlp_recordable_utils.h>
#include <opentelemetry/proto/collector/trace/v1/trace_service.pb.h>
#include <opentelemetry/sdk/instrumentationscope/instrumentation_scope.h>
#include <opentelemetry/sdk/resource/resource.h>
#include <opentelemetry/trace/span_context.h>
#include <opentelemetry/trace/trace_state.h>

#include "pointsman/base/utf8.h"

namespace otel = opentelemetry;

namespace pointsman {
namespace {

using Scope = otel::sdk::instrumentationscope::InstrumentationScope;
using Pairs = std::vector<std::pair<otel::nostd::string_view, otel::common::AttributeValue>>;

otel::nostd::string_view view(std::string_view text) {
  return {text.data(), text.size()};
}

// Text on its way into a message of protobuf, whose strings are UTF-8: a receiver refuses a whole
// batch for one byte that is not. Such bytes come with headers and paths, and become U+FFFD here,
// once for all, off the threads of requests.
class Texts {
 public:
  otel::nostd::string_view operator()(std::string_view text) {
    if (utf8_run(text) == text.size()) return view(text);
    return view(made_.emplace_back(repaired_utf8(text)));
  }
  // Forgets what it has made.
  void reset() { made_.clear(); }

 private:
  std::deque<std::string> made_;
};

// A resource of exactly the attributes given. Resource::Create() would add telemetry.sdk.*.
class PlainResource final : public otel::sdk::resource::Resource {
 public:
  explicit PlainResource(const TraceResource& resource)
      : Resource(attributes(resource), std::string(TraceResource::kSchema)) {}

 private:
  static otel::sdk::resource::ResourceAttributes attributes(const TraceResource& resource) {
    otel::sdk::resource::ResourceAttributes all;
    Texts texts;
    for (const auto& [key, value] : resource.attributes) {
      all.SetAttribute(std::string(texts(key)), texts(value));
    }
    return all;
  }
};

otel::common::SystemTimestamp at(std::int64_t unix_ns) {
  return otel::common::SystemTimestamp(
      std::chrono::system_clock::time_point(std::chrono::nanoseconds(unix_ns)));
}

otel::trace::SpanKind kind(SpanKind of) {
  switch (of) {
    case SpanKind::server:
      return otel::trace::SpanKind::kServer;
    case SpanKind::client:
      return otel::trace::SpanKind::kClient;
    case SpanKind::internal:
      break;
  }
  return otel::trace::SpanKind::kInternal;
}

void set(otel::exporter::otlp::OtlpRecordable& to, const Attribute& attribute, Texts& utf8) {
  const auto key = view(attribute.key);
  switch (attribute.kind) {
    case Attribute::Kind::integer:
      return to.SetAttribute(key, attribute.integer);
    case Attribute::Kind::number:
      return to.SetAttribute(key, attribute.number);
    case Attribute::Kind::boolean:
      return to.SetAttribute(key, attribute.boolean);
    case Attribute::Kind::text:
      return to.SetAttribute(key, utf8({attribute.text, attribute.count}));
    case Attribute::Kind::texts: {
      std::vector<otel::nostd::string_view> texts;
      for (const std::string_view text : std::span(attribute.texts, attribute.count)) {
        texts.push_back(utf8(text));
      }
      return to.SetAttribute(
          key, otel::nostd::span<const otel::nostd::string_view>(texts.data(), texts.size()));
    }
    case Attribute::Kind::numbers:
      return to.SetAttribute(key,
                             otel::nostd::span<const double>(attribute.numbers, attribute.count));
  }
}

void fill(otel::exporter::otlp::OtlpRecordable& to, const FinishedSpan& span, Texts& utf8) {
  const auto flags = static_cast<std::uint8_t>(span.flags);
  to.SetIdentity({otel::trace::TraceId(span.trace_id), otel::trace::SpanId(span.id),
                  otel::trace::TraceFlags(flags), false,
                  otel::trace::TraceState::FromHeader(view(span.trace_state))},
                 otel::trace::SpanId(span.parent));
  to.SetName(utf8(span.name));
  to.SetSpanKind(kind(span.kind));
  to.SetStartTime(at(span.began_ns));
  to.SetDuration(std::chrono::nanoseconds(span.ended_ns - span.began_ns));
  for (const Attribute& attribute : span.attributes) set(to, attribute, utf8);
  if (span.error) to.SetStatus(otel::trace::StatusCode::kError, utf8(span.status));
  if (!span.event.empty()) {
    const Pairs pairs{{view(span.event_key), utf8(span.event_text)}};
    to.AddEvent(view(span.event), at(span.event_ns),
                otel::common::KeyValueIterableView<Pairs>(pairs));
  }
  if (!span.exception_type.empty()) {
    const Pairs pairs{{"exception.type", utf8(span.exception_type)},
                      {"exception.message", utf8(span.exception_message)}};
    to.AddEvent("exception", at(span.exception_ns),
                otel::common::KeyValueIterableView<Pairs>(pairs));
  }
  // The recordable knows only the eight W3C flags, and nothing of what was dropped.
  to.span().set_flags(span.flags);
  to.span().set_dropped_attributes_count(span.dropped_attributes);
}

}  // namespace

struct OtlpEncoder::Context {
  explicit Context(const TraceResource& from)
      : resource(from), version(from.scope_version), commit(from.scope_commit) {}

  const Scope& scope(std::string_view name) {
    auto& made = scopes[std::string(name)];
    if (made == nullptr) {
      const Pairs attributes{{"commit-sha", view(commit)}};
      made = Scope::Create(view(name), view(version), "",
                           otel::common::KeyValueIterableView<Pairs>(attributes));
    }
    return *made;
  }

  PlainResource resource;
  std::string version;
  std::string commit;
  std::map<std::string, otel::nostd::unique_ptr<Scope>> scopes;
  Texts texts;  // of the batch at hand
};

OtlpEncoder::OtlpEncoder(const TraceResource& resource)
    : context_(std::make_unique<Context>(resource)) {}

OtlpEncoder::~OtlpEncoder() = default;

void OtlpEncoder::encode(std::span<const FinishedSpan> spans, OtlpRequest& request) {
  std::vector<std::unique_ptr<otel::sdk::trace::Recordable>> all;
  all.reserve(spans.size());
  for (const FinishedSpan& span : spans) {
    auto recordable = std::make_unique<otel::exporter::otlp::OtlpRecordable>();
    recordable->SetResource(context_->resource);
    recordable->SetInstrumentationScope(context_->scope(span.scope));
    fill(*recordable, span, context_->texts);
    all.push_back(std::move(recordable));
  }
  otel::exporter::otlp::OtlpRecordableUtils::PopulateRequest({all.data(), all.size()}, &request);
  context_->texts.reset();
}

}  // namespace pointsman
