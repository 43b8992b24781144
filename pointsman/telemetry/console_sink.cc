#include "pointsman/telemetry/console_sink.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <iterator>
#include <poll.h>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>

#include "pointsman/base/clock.h"
#include "pointsman/telemetry/json_text.h"
#include "pointsman/telemetry/trace_context.h"

namespace pointsman {
namespace {

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text(2 * bytes.size(), '0');
  write_hex(bytes, text.data());
  return text;
}

std::string time_text(std::int64_t unix_ns) {
  const std::time_t seconds = unix_ns / 1'000'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     unix_ns % 1'000'000'000);
}

void member(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":");
  append_json(out, text);
}

template <typename Elements, typename Append>
void append_array(std::string& out, const Elements& elements, const Append& append) {
  out += '[';
  for (bool first = true; const auto& element : elements) {
    if (!std::exchange(first, false)) out += ',';
    append(element);
  }
  out += ']';
}

void append_attribute(std::string& out, const Attribute& attribute) {
  const auto append = [&out](const auto& value) { append_json(out, value); };
  append_json(out += R"({"Key":)", attribute.key);
  out += R"(,"Value":)";
  switch (attribute.kind) {
    case Attribute::Kind::integer:
      out += std::to_string(attribute.integer);
      break;
    case Attribute::Kind::number:
      append(attribute.number);
      break;
    case Attribute::Kind::boolean:
      out += attribute.boolean ? "true" : "false";
      break;
    case Attribute::Kind::text:
      append(std::string_view(attribute.text, attribute.count));
      break;
    case Attribute::Kind::texts:
      append_array(out, std::span(attribute.texts, attribute.count), append);
      break;
    case Attribute::Kind::numbers:
      append_array(out, std::span(attribute.numbers, attribute.count), append);
      break;
  }
  out += '}';
}

void append_context(std::string& out, std::string_view name, const FinishedSpan& span,
                    std::span<const std::uint8_t> id, bool remote) {
  out += fmt::format(R"(,"{}":{{"TraceID":"{}","SpanID":"{}","TraceFlags":"{:02x}")", name,
                     hex(span.trace_id), hex(id), span.flags & 0xFFU);
  member(out, "TraceState", span.trace_state);
  out.append(R"(,"Remote":)").append(remote ? "true" : "false").append("}");
}

}  // namespace

ConsoleSink::ConsoleSink(const TraceResource& resource, int fd) : fd_(fd) {
  append_array(resource_, resource.attributes, [this](const auto& attribute) {
    append_json(resource_ += R"({"Key":)", attribute.first);
    append_json(resource_ += R"(,"Value":)", attribute.second);
    resource_ += '}';
  });
  member(scope_, "Version", resource.scope_version);
  scope_ += R"(,"Attributes":[{"Key":"commit-sha")";
  member(scope_, "Value", resource.scope_commit);
  scope_ += "}]";
}

std::string ConsoleSink::line(const FinishedSpan& span) const {
  std::string out = R"({"Name":)";
  append_json(out, span.name);
  append_context(out, "SpanContext", span, span.id, false);
  if (span.parent != decltype(span.parent){}) {
    append_context(out, "Parent", span, span.parent,
                   (span.flags & FinishedSpan::kParentIsRemote) != 0);
  }
  static constexpr std::array<std::string_view, 3> kKinds{"internal", "server", "client"};
  member(out, "SpanKind", kKinds.at(static_cast<std::size_t>(span.kind)));
  member(out, "StartTime", time_text(span.began_ns));
  member(out, "EndTime", time_text(span.ended_ns));
  out += R"(,"Attributes":)";
  append_array(out, span.attributes, [&out](const Attribute& a) { append_attribute(out, a); });
  out += R"(,"Events":[)";
  if (!span.event.empty()) {
    out += R"({"Name":)";
    append_json(out, span.event);
    member(out, "Time", time_text(span.event_ns));
    out += R"(,"Attributes":[{"Key":)";
    append_json(out, span.event_key);
    member(out, "Value", span.event_text);
    out += span.exception_type.empty() ? "}]}" : "}]},";
  }
  if (!span.exception_type.empty()) {
    out += R"({"Name":"exception")";
    member(out, "Time", time_text(span.exception_ns));
    out += R"(,"Attributes":[{"Key":"exception.type")";
    member(out, "Value", span.exception_type);
    out += R"(},{"Key":"exception.message")";
    member(out, "Value", span.exception_message);
    out += "}]}";
  }
  out.append(R"(],"Status":{"Code":)").append(span.error ? "\"Error\"" : "\"Unset\"");
  member(out, "Description", span.status);
  out.append(R"(},"Resource":)").append(resource_).append(R"(,"InstrumentationScope":{"Name":)");
  append_json(out, span.scope);
  return out.append(scope_).append("}}\n");
}

SendOutcome ConsoleSink::send(std::span<const FinishedSpan> spans,
                              std::chrono::milliseconds limit) {
  std::string text;
  for (const FinishedSpan& span : spans) text += line(span);
  const auto deadline = Clock::now() + limit;
  // In pieces that a ready pipe takes without waiting, so that a stuck reader cannot hold the end.
  for (std::string_view rest = text; !rest.empty();) {
    if (cancelled_ || Clock::now() > deadline) {
      return {.kind = SendOutcome::Kind::refused, .detail = "standard output is not read"};
    }
    pollfd stream{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (poll(&stream, 1, 100) != 1 || (stream.revents & POLLOUT) == 0) continue;
    const ssize_t written = write(fd_, rest.data(), std::min<std::size_t>(rest.size(), 4096));
    if (written < 0 && errno != EINTR) {
      return {.kind = SendOutcome::Kind::refused, .detail = "standard output is closed"};
    }
    rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  return {};
}

}  // namespace pointsman
