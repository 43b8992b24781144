#include "pointsman/edge/http/forward.h"

#include <algorithm>
#include <array>
#include <utility>

#include "pointsman/base/text.h"
#include "pointsman/edge/control_headers.h"
#include "pointsman/engine/candidates.h"
#include "pointsman/engine/error_text.h"
#include "pointsman/telemetry/json_text.h"

namespace pointsman {
namespace {

std::string_view in_lower_case(std::string_view name, Arena& arena) {
  if (std::ranges::all_of(name, [](char c) { return to_lower(c) == c; })) return name;
  const auto out = arena.array<char>(name.size());
  std::ranges::transform(name, out.begin(), [](char c) { return to_lower(c); });
  return {out.data(), out.size()};
}

void apply(const HeaderEdits& edits, HttpFields& fields) {
  for (const std::string_view name : edits.removed()) fields.remove(name);
  for (const Header& line : edits.lines()) fields.set(line.name, line.value);
}

std::string_view error_type(Code code) {
  switch (code) {
    case Code::bad_request:
    case Code::precondition_failed:
    case Code::too_large:
      return "invalid_request_error";
    case Code::unauthorized:
    case Code::forbidden:
      return "authentication_error";
    case Code::not_found:
      return "not_found_error";
    case Code::resource_exhausted:
      return "rate_limit_error";
    default:
      return "server_error";
  }
}

// What the router says of a decision: from a client it would be a forgery.
constexpr std::array<std::string_view, 2> kSaidByRouter{"x-pointsman-decision", kScoresKey};

// All values of that name as one list (RFC 9110 5.3).
std::string joined(const HttpFields& fields, std::string_view name) {
  std::string all;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto [each, value] = fields[i];
    if (!same_name(each, name) || value.empty()) continue;
    (all += all.empty() ? "" : ", ") += value;
  }
  return all;
}

// Protocols that carry requests of their own: behind such a connection nobody would look at keys,
// headers and limits any more.
bool carries_requests(std::string_view protocol) {
  const std::string_view name = protocol.substr(0, protocol.find('/'));
  return same_name(name, "h2c") || same_name(name, "h2") || same_name(name, "h3") ||
         same_name(name, "http") || same_name(name, "tls");
}

}  // namespace

std::span<const Header> engine_headers(const RequestHead& head, Arena& arena) {
  const auto out = arena.array<Header>(head.fields.size() + 1);
  out[0] = {":path", head.target};
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const auto [name, value] = head.fields[i];
    out[i + 1] = {in_lower_case(name, arena), value};
  }
  return out;
}

void make_upstream_head(const RequestHead& client, const Session& session, const Address& peer,
                        const TraceHeaders& trace_headers, const UpstreamRules& rules,
                        RequestHead& out) {
  out = client;
  remove_hop_by_hop(out.fields);
  if (rules.upgrade) {
    out.fields.add("Connection", "Upgrade");
    out.fields.add("Upgrade", joined(client.fields, "upgrade"));
  }
  if (client.fields.has_token("te", "trailers")) {
    out.fields.add("Connection", "TE");
    out.fields.add("TE", "trailers");
  }
  if (!rules.key.empty()) out.fields.set("Authorization", "Bearer " + std::string(rules.key));
  for (const std::string_view name : {"host", "expect", "content-length", "http2-settings"}) {
    out.fields.remove(name);
  }
  for (const std::string_view name : kControlHeaders) out.fields.remove(name);
  for (const std::string_view name : kSaidByRouter) out.fields.remove(name);
  out.fields.set("x-request-id", session.request.id);
  const std::string before = joined(client.fields, "x-forwarded-for");
  out.fields.set("x-forwarded-for", before.empty() ? peer.host() : before + ", " + peer.host());
  if (const auto host = client.fields.find("host");
      host && !out.fields.contains("x-forwarded-host")) {
    out.fields.set("x-forwarded-host", *host);
  }
  if (!out.fields.contains("x-forwarded-proto")) {
    out.fields.add("x-forwarded-proto", rules.scheme);
  }
  apply(session.upstream_edits, out.fields);
  if (!session.trace.installed()) return;
  const OutgoingTrace trace = Tracer::outgoing(session.trace, trace_headers);
  out.fields.set(kTraceparent, {trace.traceparent.data(), trace.traceparent.size()});
  for (const auto& [name, value] :
       {std::pair(kTracestate, trace.tracestate), std::pair(kBaggage, trace.baggage)}) {
    const std::string kept(value);  // it may point into the fields that are about to change
    out.fields.remove(name);
    if (!kept.empty()) out.fields.add(name, kept);
  }
}

void make_client_head(const ResponseHead& upstream, std::string_view decision_id,
                      const HeaderEdits& edits, ResponseHead& out) {
  out = upstream;
  out.minor = 1;
  remove_hop_by_hop(out.fields);
  apply(edits, out.fields);
  if (!decision_id.empty()) out.fields.set("x-pointsman-decision", decision_id);
}

void remove_own_trailers(HttpFields& trailers) {
  if (trailers.empty()) return;
  for (const std::string_view name : kControlHeaders) trailers.remove(name);
  for (const std::string_view name :
       {std::string_view("x-request-id"), std::string_view("x-forwarded-for"),
        std::string_view("x-forwarded-host"), std::string_view("x-forwarded-proto"),
        std::string_view("x-pointsman-decision"), kScoresKey, kTraceparent, kTracestate,
        kBaggage}) {
    trailers.remove(name);
  }
}

bool asks_upgrade(const RequestHead& head) {
  if (head.minor != 1 || !head.fields.has_token("connection", "upgrade")) return false;
  const std::string asked = joined(head.fields, "upgrade");
  bool any = false;
  for (std::string_view rest = asked; !rest.empty();) {
    const std::string_view protocol = trim(take_part(rest, ','));
    if (carries_requests(protocol)) return false;
    any = any || !protocol.empty();
  }
  return any;
}

std::string error_body(const Error& error) {
  const bool model = error.drop_reason == kModelNotFound;
  std::string out = R"({"error":{"message":)";
  append_json(out, error.message);
  out += R"(,"type":")";
  out += model ? "invalid_request_error" : error_type(error.code);
  out += R"(","param":)";
  out += model ? R"("model")" : "null";
  out += R"(,"code":")";
  out += error.drop_reason.empty() ? code_name(error.code) : error.drop_reason;
  out += "\"}}\n";
  return out;
}

std::string refusal_body(int status, std::string_view why) {
  const Code code = status == 413 || status == 431 ? Code::too_large
                    : status == 503                ? Code::unavailable
                    : status >= 500                ? Code::internal
                                                   : Code::bad_request;
  return error_body({code, std::string(why)});
}

std::optional<EndpointIndex> next_endpoint(const Decision& decision,
                                           std::span<const EndpointIndex> tried) {
  const auto fresh = [&](EndpointIndex e) { return std::ranges::find(tried, e) == tried.end(); };
  for (const EndpointIndex e : decision.targets()) {
    if (fresh(e)) return e;
  }
  if (decision.primary < 0) return std::nullopt;
  const ProfileRun& run = decision.runs[static_cast<std::size_t>(decision.primary)];
  const auto candidates = decision.candidates_of(run);
  const auto totals = decision.totals_of(run);
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (fresh(candidates[i]) && (!best || totals[i] > totals[*best])) best = i;
  }
  if (!best) return std::nullopt;
  return candidates[*best];
}

}  // namespace pointsman
