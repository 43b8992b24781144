#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "pointsman/model/trace.h"
#include "pointsman/telemetry/trace_environment.h"

namespace pointsman {

// One span as it is exported: what OTLP's message Span says, in plain values. Texts and attributes
// point into the SpanBatch.
struct FinishedSpan {
  // Span.flags: the W3C flags below these two.
  static constexpr std::uint32_t kRemotenessKnown = 0x100;
  static constexpr std::uint32_t kParentIsRemote = 0x200;

  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> id{};
  std::array<std::uint8_t, 8> parent{};  // all zero: a root
  std::uint32_t flags = 0;
  SpanKind kind = SpanKind::internal;
  bool error = false;
  std::string_view trace_state;
  std::string_view name;
  std::string_view scope;
  std::string_view status;
  std::int64_t began_ns = 0;  // since 1970
  std::int64_t ended_ns = 0;
  std::span<const Attribute> attributes;  // each key once
  std::uint32_t dropped_attributes = 0;
  std::string_view event;  // one event of its own, when not empty
  std::string_view event_key;
  std::string_view event_text;
  std::int64_t event_ns = 0;
  std::string_view exception_type;  // an `exception` event when not empty
  std::string_view exception_message;
  std::int64_t exception_ns = 0;
};

// Traces on their way out, and their spans.
class SpanBatch {
 public:
  explicit SpanBatch(const SpanLimits& limits) : limits_(limits) {}

  void add(std::unique_ptr<TraceBuffer> buffer);
  std::span<const FinishedSpan> spans() const { return spans_; }

  // Empties the batch and gives back its buffers.
  std::vector<std::unique_ptr<TraceBuffer>> take();

 private:
  std::span<const Attribute> attributes_of(const TraceBuffer& buffer, std::size_t span,
                                           std::uint32_t& dropped);
  Attribute limited(Attribute attribute);
  std::string_view limited(std::string_view text) const;

  SpanLimits limits_;
  std::vector<std::unique_ptr<TraceBuffer>> buffers_;
  std::vector<FinishedSpan> spans_;
  std::deque<std::vector<Attribute>> attributes_;    // of each span
  std::deque<std::vector<std::string_view>> texts_;  // arrays whose elements were cut
};

}  // namespace pointsman
