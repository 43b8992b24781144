#pragma once

#include <span>
#include <string_view>

#include "pointsman/base/arena.h"
#include "pointsman/base/result.h"
#include "pointsman/model/endpoint.h"
#include "pointsman/model/fleet.h"
#include "pointsman/stage/filter.h"

namespace pointsman {

// Whether the gateway's subset allows the endpoint (spec/03 section 12): an element names its
// address, with or without a port; the port does not count, nor do brackets around IPv6.
bool in_subset(const Endpoint& endpoint, std::span<const std::string_view> allowed);

// Keeps those that serve the model; when none is known to, those that have not told what they
// serve. No model: all. Errors: not_found / kModelNotFound, when every endpoint of the fleet has
// told and none serves it.
Result<void> keep_model(const Fleet& fleet, std::string_view model, Candidates& candidates);

// Keeps those that serve the model, if any does. For requests of an API that nobody here knows:
// they are sent where they can be answered, and whether the model exists is the server's to say.
void prefer_model(const Fleet& fleet, std::string_view model, Candidates& candidates);

// The top-level string "model" of a JSON object, looked for in its first megabyte; "" without one.
// Lives as long as the body and the arena.
std::string_view named_model(std::string_view body, Arena& arena);

// Whether the endpoint has not told what it serves while others have, none of which serve the
// model: it may get the request only because of that.
bool only_guessed(const Fleet& fleet, std::string_view model, EndpointIndex e);

// OpenAI's name of that error.
inline constexpr std::string_view kModelNotFound = "model_not_found";

// Whether a Prefer header asks for `if-available` (spec/03 section 2.4).
bool prefers_if_available(std::string_view prefer);

}  // namespace pointsman
