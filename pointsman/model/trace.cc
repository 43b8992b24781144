#include "pointsman/model/trace.h"

#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <new>
#include <typeinfo>
#include <utility>

#include "pointsman/base/random.h"

namespace pointsman {

std::string_view name(SpanScope scope) {
  static constexpr std::array<std::string_view, 4> kNames{
      "llm-d-router/pkg/epp/handlers", "llm-d-router/pkg/epp/requestcontrol",
      "llm-d-router/pkg/epp/scheduling", "llm-d-router/pkg/epp/framework/plugins/scheduling"};
  return kNames.at(static_cast<std::size_t>(scope));
}

void TraceBuffer::reset(const SpanContext& root, const SpanContext& parent,
                        std::string_view state) {
  root_ = root;
  parent_ = parent;
  used_spans_ = used_attributes_ = used_bytes_ = 0;
  dropped_spans_ = dropped_attributes_ = 0;
  state_ = keep(state);
}

void* TraceBuffer::room(std::size_t bytes, std::size_t align) {
  const std::size_t from = (used_bytes_ + align - 1) / align * align;
  if (from + bytes > bytes_.size()) return nullptr;
  used_bytes_ = from + bytes;
  return bytes_.data() + from;
}

// The longest prefix that fits: a cut text still says more than none.
std::string_view TraceBuffer::keep(std::string_view text) {
  text = text.substr(0, bytes_.size() - used_bytes_);
  char* to = static_cast<char*>(room(text.size(), 1));
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

Attribute* TraceBuffer::add(std::int16_t span, std::string_view key) {
  if (used_attributes_ == attributes_.size()) {
    ++dropped_attributes_;
    return nullptr;
  }
  Attribute& attribute = attributes_[used_attributes_++];
  attribute.key = key;
  attribute.span = static_cast<std::uint16_t>(span);
  return &attribute;
}

Trace::Trace(const SpanContext& root, const SpanContext& parent,
             std::unique_ptr<TraceBuffer> buffer, std::uint64_t seed, std::string_view state)
    : context_(root), buffer_(std::move(buffer)), ids_(seed) {
  buffer_->reset(root, parent, state);
}

Trace::Scope Trace::open(std::string_view span_name, SpanScope scope, SpanKind kind) {
  TraceBuffer& buffer = *buffer_;
  if (buffer.used_spans_ == buffer.spans_.size()) {
    ++buffer.dropped_spans_;
    return {};
  }
  const auto index = static_cast<std::int16_t>(buffer.used_spans_++);
  SpanRecord& span = buffer.spans_[static_cast<std::size_t>(index)];
  span = {};
  span.name = buffer.keep(span_name);
  span.scope = scope;
  span.kind = kind;
  span.parent = open_;
  if (index == 0) {
    span.id = context_.span_id;
  } else {
    Random random(ids_);
    const std::uint64_t id = random.next() | 1U;  // never the invalid all-zero id
    ids_ += 0x9E3779B97F4A7C15U;
    std::memcpy(span.id.data(), &id, sizeof id);
  }
  open_ = index;
  span.began = Clock::now();
  return {*this, index};
}

void Trace::close(std::int16_t span) {
  SpanRecord& record = buffer_->spans_[static_cast<std::size_t>(span)];
  if (record.ended) return;
  record.end = Clock::now();
  record.ended = true;
  open_ = record.parent;
}

Trace::Scope::Scope(Scope&& other) noexcept
    : trace_(std::exchange(other.trace_, nullptr)), span_(other.span_) {}

Trace::Scope& Trace::Scope::operator=(Scope&& other) noexcept {
  if (this != &other) {
    end();
    trace_ = std::exchange(other.trace_, nullptr);
    span_ = other.span_;
  }
  return *this;
}

void Trace::Scope::end() {
  if (trace_ == nullptr) return;
  if (trace_->buffer_ != nullptr) trace_->close(span_);
  trace_ = nullptr;
}

SpanRecord& Trace::Scope::record() const {
  return trace_->buffer_->spans_[static_cast<std::size_t>(span_)];
}

void Trace::Scope::set(std::string_view key, std::int64_t value) {
  if (trace_ == nullptr) return;
  if (Attribute* a = trace_->buffer_->add(span_, key); a != nullptr) {
    a->kind = Attribute::Kind::integer;
    a->integer = value;
  }
}

void Trace::Scope::set(std::string_view key, double value) {
  if (trace_ == nullptr) return;
  if (Attribute* a = trace_->buffer_->add(span_, key); a != nullptr) {
    a->kind = Attribute::Kind::number;
    a->number = value;
  }
}

void Trace::Scope::set(std::string_view key, bool value) {
  if (trace_ == nullptr) return;
  if (Attribute* a = trace_->buffer_->add(span_, key); a != nullptr) {
    a->kind = Attribute::Kind::boolean;
    a->boolean = value;
  }
}

void Trace::Scope::set(std::string_view key, std::string_view value) {
  if (trace_ == nullptr) return;
  if (Attribute* a = trace_->buffer_->add(span_, key); a != nullptr) {
    const std::string_view kept = trace_->buffer_->keep(value);
    a->kind = Attribute::Kind::text;
    a->text = kept.data();
    a->count = static_cast<std::uint32_t>(kept.size());
  }
}

void Trace::Scope::set(std::string_view key, std::span<const std::string_view> values) {
  if (trace_ == nullptr) return;
  TraceBuffer& buffer = *trace_->buffer_;
  void* room = buffer.room(values.size_bytes(), alignof(std::string_view));
  Attribute* a = room == nullptr ? nullptr : buffer.add(span_, key);
  if (a == nullptr) return;
  auto* to = static_cast<std::string_view*>(room);
  for (std::size_t i = 0; i < values.size(); ++i) ::new (to + i) auto(buffer.keep(values[i]));
  a->kind = Attribute::Kind::texts;
  a->texts = to;
  a->count = static_cast<std::uint32_t>(values.size());
}

void Trace::Scope::set(std::string_view key, std::span<const double> values) {
  if (trace_ == nullptr) return;
  TraceBuffer& buffer = *trace_->buffer_;
  void* room = buffer.room(values.size_bytes(), alignof(double));
  Attribute* a = room == nullptr ? nullptr : buffer.add(span_, key);
  if (a == nullptr) return;
  auto* to = static_cast<double*>(room);
  for (std::size_t i = 0; i < values.size(); ++i) ::new (to + i) double(values[i]);
  a->kind = Attribute::Kind::numbers;
  a->numbers = to;
  a->count = static_cast<std::uint32_t>(values.size());
}

void Trace::Scope::event(std::string_view event_name, std::string_view key, std::string_view text) {
  if (trace_ == nullptr) return;
  SpanRecord& span = record();
  span.event = event_name;
  span.event_key = key;
  span.event_text = trace_->buffer_->keep(text);
  span.event_at = Clock::now();
}

void Trace::Scope::exception(std::string_view type, std::string_view message) {
  if (trace_ == nullptr) return;
  SpanRecord& span = record();
  span.exception_type = trace_->buffer_->keep(type);
  span.exception_message = trace_->buffer_->keep(message);
  span.exception_at = Clock::now();
}

void Trace::Scope::exception(const std::exception_ptr& thrown) {
  if (trace_ == nullptr) return;
  const auto describe = [this](const char* mangled, std::string_view message) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> readable(
        abi::__cxa_demangle(mangled, nullptr, nullptr, &status), &std::free);
    exception(status == 0 ? readable.get() : mangled, message);
  };
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    describe(typeid(e).name(), e.what());
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    describe(type == nullptr ? "unknown" : type->name(), "");
  }
}

void Trace::Scope::error(std::string_view description) {
  if (trace_ == nullptr) return;
  record().error = true;
  record().status = trace_->buffer_->keep(description);
}

}  // namespace pointsman
