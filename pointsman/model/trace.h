#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string_view>

#include "pointsman/base/clock.h"

namespace pointsman {

// The W3C trace context of one span.
struct SpanContext {
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  std::uint8_t flags = 0;  // bit 0 sampled, bit 1 random

  bool sampled() const { return (flags & 1U) != 0; }
  bool valid() const { return trace_id != decltype(trace_id){} && span_id != decltype(span_id){}; }
};

enum class SpanKind : std::uint8_t { internal, server, client };

// The instrumentation scopes of spec/01 section 4.5.
enum class SpanScope : std::uint8_t {
  handlers,        // llm-d-router/pkg/epp/handlers
  requestcontrol,  // llm-d-router/pkg/epp/requestcontrol
  scheduling,      // llm-d-router/pkg/epp/scheduling
  plugins,         // llm-d-router/pkg/epp/framework/plugins/scheduling
};
std::string_view name(SpanScope scope);

// One attribute of one span. Text and arrays point into the buffer that holds the attribute.
struct Attribute {
  enum class Kind : std::uint8_t { integer, number, boolean, text, texts, numbers };

  std::string_view key;
  Kind kind = Kind::integer;
  std::uint16_t span = 0;   // the span it belongs to
  std::uint32_t count = 0;  // characters of text, elements of an array
  union {
    std::int64_t integer = 0;
    double number;
    bool boolean;
    const char* text;
    const std::string_view* texts;
    const double* numbers;
  };
};

// One finished or open span. Text points into the buffer.
struct SpanRecord {
  std::string_view name;
  SpanScope scope = SpanScope::scheduling;
  SpanKind kind = SpanKind::internal;
  std::int16_t parent = -1;  // index into spans(), -1 for the root
  bool error = false;        // status Error with `status`; else status is unset
  bool ended = false;
  std::array<std::uint8_t, 8> id{};
  Clock::time_point began;
  Clock::time_point end;
  std::string_view status;
  std::string_view event;      // one event of its own, when not empty
  std::string_view event_key;  // with this attribute
  std::string_view event_text;
  Clock::time_point event_at;
  std::string_view exception_type;  // an `exception` event when not empty
  std::string_view exception_message;
  Clock::time_point exception_at;
};

// Everything one sampled request has to say, in one block of memory: it is filled on the request's
// thread without allocating, handed over whole, and reused. What does not fit is dropped and
// counted.
class TraceBuffer {
 public:
  static constexpr std::size_t kSpans = 64;
  static constexpr std::size_t kAttributes = 256;
  static constexpr std::size_t kBytes = 6144;

  // Forgets everything. `parent` is the remote parent, invalid when there is none, and `state` the
  // tracestate that came with it.
  void reset(const SpanContext& root, const SpanContext& parent, std::string_view state = {});

  const SpanContext& root() const { return root_; }
  const SpanContext& remote_parent() const { return parent_; }
  std::string_view trace_state() const { return state_; }
  std::span<const SpanRecord> spans() const { return std::span(spans_).first(used_spans_); }
  // All attributes in the order they were set; a key set twice on one span stands twice, and the
  // later one counts.
  std::span<const Attribute> attributes() const {
    return std::span(attributes_).first(used_attributes_);
  }
  std::uint32_t dropped_spans() const { return dropped_spans_; }
  std::uint32_t dropped_attributes() const { return dropped_attributes_; }

 private:
  friend class Trace;

  std::string_view keep(std::string_view text);
  void* room(std::size_t bytes, std::size_t align);
  Attribute* add(std::int16_t span, std::string_view key);

  SpanContext root_;
  SpanContext parent_;
  std::string_view state_;
  std::array<SpanRecord, kSpans> spans_;
  std::array<Attribute, kAttributes> attributes_;
  alignas(8) std::array<char, kBytes> bytes_{};
  std::size_t used_spans_ = 0;
  std::size_t used_attributes_ = 0;
  std::size_t used_bytes_ = 0;
  std::uint32_t dropped_spans_ = 0;
  std::uint32_t dropped_attributes_ = 0;
};

// The trace of one request: a value in its session. Three states:
//   off          no context, nothing is injected, nothing recorded
//   not sampled  a context that is propagated, nothing recorded: 25 bytes and no work
//   recording    spans go to the TraceBuffer
// telemetry/ makes it when the request arrives and takes the buffer back when it is over.
//
// Threading: owned by the request, never shared; the buffer may be handed to another thread.
class Trace {
 public:
  // An open span. The destructor ends it, so that it ends on every path.
  class [[nodiscard]] Scope {
   public:
    Scope() = default;
    Scope(Scope&& other) noexcept;
    Scope& operator=(Scope&& other) noexcept;
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() { end(); }

    // Whether attributes are worth computing.
    bool recording() const { return trace_ != nullptr; }

    // Sets an attribute. `key` must be a literal; values are copied. No-ops when not recording.
    void set(std::string_view key, std::int64_t value);
    void set(std::string_view key, std::size_t value) {
      set(key, static_cast<std::int64_t>(value));
    }
    void set(std::string_view key, int value) { set(key, static_cast<std::int64_t>(value)); }
    void set(std::string_view key, double value);
    void set(std::string_view key, bool value);
    void set(std::string_view key, std::string_view value);
    void set(std::string_view key, const char* value) { set(key, std::string_view(value)); }
    void set(std::string_view key, std::span<const std::string_view> values);
    void set(std::string_view key, std::span<const double> values);

    // Adds the span's event with one attribute; a second call replaces it. `name` and `key` are
    // literals, `text` is copied.
    void event(std::string_view event_name, std::string_view key, std::string_view text);
    // Adds the `exception` event. The status stays as it is.
    void exception(std::string_view type, std::string_view message);
    // The same for an exception in flight. Call it in a catch block, then rethrow.
    void exception(const std::exception_ptr& thrown);
    // Sets status Error.
    void error(std::string_view description);

    // Ends the span now. Later calls do nothing.
    void end();

   private:
    friend class Trace;
    Scope(Trace& trace, std::int16_t span) : trace_(&trace), span_(span) {}

    SpanRecord& record() const;

    Trace* trace_ = nullptr;
    std::int16_t span_ = -1;
  };

  // Off.
  Trace() = default;
  // Not sampled: `root` is propagated.
  explicit Trace(const SpanContext& root) : context_(root) {}
  // Recording. `seed` gives the span ids below the root; `state` is the caller's tracestate.
  Trace(const SpanContext& root, const SpanContext& parent, std::unique_ptr<TraceBuffer> buffer,
        std::uint64_t seed, std::string_view state = {});

  Trace(Trace&&) = default;
  Trace& operator=(Trace&&) = default;

  bool installed() const { return context_.valid(); }
  bool recording() const { return buffer_ != nullptr; }
  // The context of the request's root span, to be sent upstream. Invalid when off.
  const SpanContext& context() const { return context_; }

  // Opens a span below the innermost open one. Costs one branch when not recording.
  // Scopes of one trace end in the reverse order of their opening.
  Scope enter(std::string_view span_name, SpanScope scope, SpanKind kind = SpanKind::internal) {
    return recording() ? open(span_name, scope, kind) : Scope();
  }

  // Gives up the buffer; the trace then only propagates. Null when not recording.
  std::unique_ptr<TraceBuffer> release() { return std::move(buffer_); }
  const TraceBuffer* buffer() const { return buffer_.get(); }

 private:
  Scope open(std::string_view span_name, SpanScope scope, SpanKind kind);
  void close(std::int16_t span);

  SpanContext context_;
  std::unique_ptr<TraceBuffer> buffer_;
  std::uint64_t ids_ = 0;
  std::int16_t open_ = -1;
};

}  // namespace pointsman
