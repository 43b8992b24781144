#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "pointsman/model/trace.h"

namespace pointsman {

// The W3C propagation headers (Trace Context level 2, Baggage), as spec/01 section 4.4 and spec/10
// read and write them.
inline constexpr std::string_view kTraceparent = "traceparent";
inline constexpr std::string_view kTracestate = "tracestate";
inline constexpr std::string_view kBaggage = "baggage";

// The context that a `traceparent` value carries; nothing when it is malformed, in which case the
// request starts a trace of its own. Of the flags, sampled and random are kept.
std::optional<SpanContext> parse_traceparent(std::string_view value);

inline constexpr std::size_t kTraceparentSize = 55;

// The `traceparent` value of version 00.
std::array<char, kTraceparentSize> format_traceparent(const SpanContext& context);

// `value` without surrounding blanks when it is a well-formed `tracestate`, otherwise empty.
std::string_view valid_tracestate(std::string_view value);

// The same for `baggage`: at most 180 members and 8192 bytes.
std::string_view valid_baggage(std::string_view value);

// Writes `bytes` in lower-case hexadecimal to `out`. REQUIRES: room for twice their number.
char* write_hex(std::span<const std::uint8_t> bytes, char* out);

}  // namespace pointsman
