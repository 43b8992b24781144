#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/base/arena.h"
#include "pointsman/base/result.h"
#include "pointsman/engine/session.h"
#include "pointsman/telemetry/tracer.h"
#include "pointsman/wire/address.h"
#include "pointsman/wire/http.h"

namespace pointsman {

// What the standalone router changes on a message that passes. Pure functions.

// The client's header lines for the engine: names in lower case, the path as ":path" first.
// Views point into `head` and the arena.
std::span<const Header> engine_headers(const RequestHead& head, Arena& arena);

struct UpstreamRules {
  std::string_view scheme = "http";  // that the client used
  std::string_view key;              // for the model servers; empty: the client's Authorization
  bool upgrade = false;              // Upgrade passes
};

// The request that goes upstream. Hop-by-hop fields, the router's own headers, Host, Expect,
// Content-Length and HTTP2-Settings are gone; x-request-id and x-forwarded-for are set,
// x-forwarded-host and -proto where the client sent none; and then what the rules say, what plugins
// edited and, when tracing is on, the trace headers.
void make_upstream_head(const RequestHead& client, const Session& session, const Address& peer,
                        const TraceHeaders& trace_headers, const UpstreamRules& rules,
                        RequestHead& out);

// Whether the client asks to go on in another protocol, such as WebSocket. Not one that carries
// HTTP again: a server may always decline (RFC 9110 7.8), and then the request is an ordinary one.
bool asks_upgrade(const RequestHead& head);

// The response that goes to the client.
void make_client_head(const ResponseHead& upstream, std::string_view decision_id,
                      const HeaderEdits& edits, ResponseHead& out);

// Removes from trailers, of either direction, what is the router's to say.
void remove_own_trailers(HttpFields& trailers);

// An error as OpenAI clients read it: {"error":{"message":...,"type":...,"param":...,"code":...}}.
std::string error_body(const Error& error);
// The same for what the HTTP server refuses by itself.
std::string refusal_body(int status, std::string_view why);

// Where a decision's request may go, one after the other: its picks, then the other candidates of
// the primary profile by falling total.
std::optional<EndpointIndex> next_endpoint(const Decision& decision,
                                           std::span<const EndpointIndex> tried);

}  // namespace pointsman
