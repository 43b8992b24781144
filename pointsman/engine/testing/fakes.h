#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pointsman/stage/filter.h"
#include "pointsman/stage/picker.h"
#include "pointsman/stage/profile_handler.h"
#include "pointsman/stage/scorer.h"

namespace pointsman::testing {

// A filter that keeps what `keep` says.
struct FakeFilter final : Filter {
  std::function<bool(EndpointIndex)> keep = [](EndpointIndex) { return true; };
  std::function<void(const Context&)> during = [](const Context&) {};
  mutable int calls = 0;

  void filter(const Context& context, Candidates& candidates) const override {
    ++calls;
    during(context);
    candidates.keep_if(DropReason::other, keep);
  }
};

// A scorer with a fixed score per endpoint of the fleet.
struct FakeScorer final : Scorer {
  std::vector<double> values;  // by endpoint; missing ones get no score
  std::function<void(const Context&)> during = [](const Context&) {};
  mutable int calls = 0;
  mutable std::vector<EndpointIndex> seen;

  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override {
    ++calls;
    seen.assign(candidates.begin(), candidates.end());
    during(context);
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (candidates[i] < values.size()) out[i] = values[candidates[i]];
    }
  }
};

// A picker that takes the first `count` candidates.
struct FakePicker final : Picker {
  std::size_t count = 1;
  std::function<void(Trace&)> during = [](Trace&) {};
  mutable int calls = 0;
  mutable std::vector<double> seen;

  std::size_t pick(std::span<const EndpointIndex> candidates, std::span<const double> totals,
                   Random& /*random*/, Trace& trace, std::span<EndpointIndex> out) const override {
    ++calls;
    seen.assign(totals.begin(), totals.end());
    during(trace);
    const std::size_t k = std::min(count, candidates.size());
    std::copy_n(candidates.begin(), k, out.begin());
    return k;
  }
};

// A trace that records, and what it recorded.
inline SpanContext caller_context() {
  SpanContext context{.flags = 1};
  context.trace_id.fill(0x11);
  context.span_id.fill(0x22);
  return context;
}

inline Trace recording_trace() {
  return {caller_context(), {}, std::make_unique<TraceBuffer>(), 7};
}

// One recorded span with its attributes in readable form.
struct Seen {
  const SpanRecord* record = nullptr;
  std::map<std::string, std::string> attributes;

  bool has(const std::string& key) const { return attributes.contains(key); }
  std::string at(const std::string& key) const {
    const auto found = attributes.find(key);
    return found == attributes.end() ? "(absent)" : found->second;
  }
};

inline std::string readable(const Attribute& a) {
  const auto number = [](double value) {
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    return text.back() == '.' ? text + "0" : text;
  };
  std::string out;
  switch (a.kind) {
    case Attribute::Kind::integer:
      return std::to_string(a.integer);
    case Attribute::Kind::number:
      return number(a.number);
    case Attribute::Kind::boolean:
      return a.boolean ? "true" : "false";
    case Attribute::Kind::text:
      return {a.text, a.count};
    case Attribute::Kind::texts:
      for (std::uint32_t i = 0; i < a.count; ++i) {
        out += (i == 0 ? "" : ",") + std::string(a.texts[i]);
      }
      return "[" + out + "]";
    case Attribute::Kind::numbers:
      for (std::uint32_t i = 0; i < a.count; ++i) out += (i == 0 ? "" : ",") + number(a.numbers[i]);
      return "[" + out + "]";
  }
  return "?";
}

// All spans of that name, in the order of their start.
inline std::vector<Seen> spans(const Trace& trace, std::string_view name) {
  std::vector<Seen> out;
  const TraceBuffer& buffer = *trace.buffer();
  for (std::size_t i = 0; i < buffer.spans().size(); ++i) {
    if (buffer.spans()[i].name != name) continue;
    Seen seen{.record = &buffer.spans()[i], .attributes = {}};
    for (const Attribute& a : buffer.attributes()) {
      if (a.span == i) seen.attributes[std::string(a.key)] = readable(a);
    }
    out.push_back(std::move(seen));
  }
  return out;
}

inline std::string parent_name(const Trace& trace, const Seen& seen) {
  if (seen.record->parent < 0) return "";
  return std::string(trace.buffer()->spans()[static_cast<std::size_t>(seen.record->parent)].name);
}

}  // namespace pointsman::testing
