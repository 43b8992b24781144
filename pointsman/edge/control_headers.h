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

// Request headers that steer the router or a later hop. What a client sends under these names is
// read where spec/03 says so, and never reaches a model server: a forged destination or prefiller
// would make the next hop talk to anybody (spec/01 section 9, row 1).
inline constexpr std::array<std::string_view, 21> kControlHeaders{
    "x-llm-d-inference-fairness-id",
    "x-gateway-inference-fairness-id",
    "x-llm-d-inference-objective",
    "x-gateway-inference-objective",
    "x-llm-d-model-name-rewrite",
    "x-gateway-model-name-rewrite",
    "x-llm-d-slo-ttft-ms",
    "x-slo-ttft-ms",
    "x-llm-d-slo-tpot-ms",
    "x-slo-tpot-ms",
    "x-llm-d-video-fps",
    "x-llm-d-video-duration-seconds",
    "x-llm-d-video-resolution",
    "x-prefiller-host-port",
    "x-encoder-hosts-ports",
    "x-data-parallel-host-port",
    "x-kv-cache-source-host-port",
    kSubsetKey,
    kDestinationHeader,
    kServedKey,
    kDroppedHeader,
};

// Compared without regard to case.
bool is_control_header(std::string_view name);

// The control headers among `received` that a proxy has to remove, each name once: all but the
// destination, which is overwritten.
void client_control_headers(std::span<const Header> received, std::vector<std::string_view>& into);

}  // namespace pointsman
