#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "pointsman/model/request.h"

namespace pointsman {

// Names on the wire, spec/03 sections 2.1 and 2.2.
inline constexpr std::string_view kDestinationHeader = "x-gateway-destination-endpoint";
inline constexpr std::string_view kScoresKey = "x-gateway-destination-endpoint-scores";
inline constexpr std::string_view kServedKey = "x-gateway-destination-endpoint-served";
inline constexpr std::string_view kSubsetSpace = "envoy.lb.subset_hint";
inline constexpr std::string_view kSubsetKey = "x-gateway-destination-endpoint-subset";
inline constexpr std::string_view kMetadataSpace = "envoy.lb";
inline constexpr std::string_view kDroppedHeader = "x-llm-d-request-dropped-reason";
inline constexpr std::string_view kResponseMarker = "x-went-into-resp-headers";

// A name of the router's vocabulary that belongs to the router: compared without regard to case.
bool is_system_owned(std::string_view name);

// A header that carries the trace: the router sets its own.
bool is_propagation(std::string_view name);

// The control headers among `received` that must not reach the model server, each name once.
// The destination is not among them, since it is overwritten, nor is content-length.
void client_control_headers(std::span<const Header> received, std::vector<std::string_view>& into);

// The lines of `received` that may be set again as they are, for proxies that expect a full echo:
// not those the router owns, not the trace's, and no name received in several lines, which the
// echo would merge into one.
void echoable_headers(std::span<const Header> received, std::vector<Header>& into);

}  // namespace pointsman
