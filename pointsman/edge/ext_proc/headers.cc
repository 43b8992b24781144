#include "pointsman/edge/ext_proc/headers.h"

#include <algorithm>

#include "pointsman/wire/http.h"

namespace pointsman {
namespace {

constexpr std::array<std::string_view, 18> kSystemOwned{
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
    kSubsetKey,
    kDestinationHeader,
    kServedKey,
    kDroppedHeader,
    "content-length",
};

constexpr std::array<std::string_view, 3> kPropagation{"traceparent", "tracestate", "baggage"};

template <typename Names>
bool contains(const Names& names, std::string_view name) {
  return std::ranges::any_of(names, [&](std::string_view each) { return same_name(each, name); });
}

}  // namespace

bool is_system_owned(std::string_view name) {
  return contains(kSystemOwned, name);
}

bool is_propagation(std::string_view name) {
  return contains(kPropagation, name);
}

void client_control_headers(std::span<const Header> received, std::vector<std::string_view>& into) {
  into.clear();
  for (const Header& header : received) {
    if (!is_system_owned(header.name) || same_name(header.name, kDestinationHeader) ||
        same_name(header.name, "content-length") || contains(into, header.name)) {
      continue;
    }
    into.push_back(header.name);
  }
}

void echoable_headers(std::span<const Header> received, std::vector<Header>& into) {
  into.clear();
  for (const Header& header : received) {
    if (is_system_owned(header.name) || is_propagation(header.name)) continue;
    const auto lines = std::ranges::count_if(
        received, [&](const Header& other) { return same_name(other.name, header.name); });
    if (lines == 1) into.push_back(header);
  }
}

}  // namespace pointsman
