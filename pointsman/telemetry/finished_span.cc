#include "pointsman/telemetry/finished_span.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "pointsman/base/clock.h"

namespace pointsman {

void SpanBatch::add(std::unique_ptr<TraceBuffer> buffer) {
  const std::span<const SpanRecord> records = buffer->spans();
  if (records.empty()) return buffers_.push_back(std::move(buffer));
  // The distance to the wall clock is asked for once, so that all times of a trace keep theirs.
  const Clock::time_point anchor = records[0].began;
  const std::chrono::nanoseconds anchor_wall = Clock::wall(anchor).time_since_epoch();
  const auto unix_ns = [&](Clock::time_point at) { return (anchor_wall + (at - anchor)).count(); };
  for (std::size_t i = 0; i < records.size(); ++i) {
    const SpanRecord& record = records[i];
    FinishedSpan& span = spans_.emplace_back();
    span.trace_id = buffer->root().trace_id;
    span.id = record.id;
    span.flags = buffer->root().flags | FinishedSpan::kRemotenessKnown;
    if (record.parent >= 0) {
      span.parent = records[static_cast<std::size_t>(record.parent)].id;
    } else if (buffer->remote_parent().valid()) {
      span.parent = buffer->remote_parent().span_id;
      span.flags |= FinishedSpan::kParentIsRemote;
    }
    span.kind = record.kind;
    span.error = record.error;
    span.trace_state = buffer->trace_state();
    span.name = record.name;
    span.scope = name(record.scope);
    span.status = record.status;
    span.began_ns = unix_ns(record.began);
    // A span that is still open ends with the trace.
    span.ended_ns = unix_ns(record.ended ? record.end : std::max(record.began, records[0].end));
    span.attributes = attributes_of(*buffer, i, span.dropped_attributes);
    if (limits_.events > 0 && !record.event.empty()) {
      span.event = record.event;
      span.event_key = record.event_key;
      span.event_text = limited(record.event_text);
      span.event_ns = unix_ns(record.event_at);
    }
    if (limits_.events > 0 && !record.exception_type.empty()) {
      span.exception_type = record.exception_type;
      span.exception_message = record.exception_message;
      span.exception_ns = unix_ns(record.exception_at);
    }
  }
  buffers_.push_back(std::move(buffer));
}

std::vector<std::unique_ptr<TraceBuffer>> SpanBatch::take() {
  spans_.clear();
  attributes_.clear();
  texts_.clear();
  return std::exchange(buffers_, {});
}

// A key set twice keeps its place and has the later value.
std::span<const Attribute> SpanBatch::attributes_of(const TraceBuffer& buffer, std::size_t span,
                                                    std::uint32_t& dropped) {
  std::vector<Attribute>& kept = attributes_.emplace_back();
  for (const Attribute& attribute : buffer.attributes()) {
    if (attribute.span != span) continue;
    const auto same = std::ranges::find(kept, attribute.key, &Attribute::key);
    if (same != kept.end()) {
      *same = limited(attribute);
    } else if (kept.size() < limits_.attributes) {
      kept.push_back(limited(attribute));
    } else {
      ++dropped;
    }
  }
  return kept;
}

Attribute SpanBatch::limited(Attribute attribute) {
  if (attribute.kind == Attribute::Kind::text) {
    attribute.count = static_cast<std::uint32_t>(
        limited(std::string_view(attribute.text, attribute.count)).size());
  } else if (attribute.kind == Attribute::Kind::texts && limits_.text != SIZE_MAX) {
    auto& cut = texts_.emplace_back(attribute.texts, attribute.texts + attribute.count);
    for (std::string_view& text : cut) text = limited(text);
    attribute.texts = cut.data();
  }
  return attribute;
}

// At most as many characters as allowed; UTF-8 sequences stay whole.
std::string_view SpanBatch::limited(std::string_view text) const {
  if (text.size() <= limits_.text) return text;
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
    if (starts && characters++ == limits_.text) return text.substr(0, i);
  }
  return text;
}

}  // namespace pointsman
