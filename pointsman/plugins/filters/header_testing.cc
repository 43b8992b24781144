#include "pointsman/plugins/filters/header_testing.h"

#include <algorithm>
#include <optional>

#include "pointsman/base/text.h"

namespace pointsman {
namespace {

constexpr std::string_view kHeader = "test-epp-endpoint-selection";

struct Named {
  std::string_view address;
  std::optional<std::uint16_t> port;
};

// Nothing for what is neither.
std::optional<Named> read(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const Named bare{text.substr(1, close - 1), std::nullopt};
    if (close + 1 == text.size()) return bare;
    const auto port =
        text[close + 1] == ':' ? number_in<std::uint16_t>(text.substr(close + 2)) : std::nullopt;
    if (!port) return std::nullopt;
    return Named{bare.address, port};
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return Named{text, std::nullopt};  // an address without a port, perhaps IPv6
  }
  const auto port = number_in<std::uint16_t>(text.substr(colon + 1));
  if (!port) return std::nullopt;
  return Named{text.substr(0, colon), port};
}

}  // namespace

HeaderTestingFilter::HeaderTestingFilter(Params /*params*/, Setup& setup) {
  setup.reads_header(kHeader);
}

void HeaderTestingFilter::filter(const Context& context, Candidates& candidates) const {
  const auto chosen = context.signals.arena().array<EndpointIndex>(candidates.size());
  std::size_t count = 0;
  std::string_view rest = context.request.header(kHeader);
  while (!rest.empty() && count < chosen.size()) {
    const auto wanted = read(trim(take_part(rest, ',')));
    if (!wanted || wanted->address.empty()) continue;
    const auto of_address = [&](EndpointIndex e) {
      return context.fleet[e].address == wanted->address;
    };
    if (std::ranges::any_of(chosen.first(count), of_address)) continue;
    std::optional<EndpointIndex> found;
    for (const EndpointIndex e : candidates.list()) {
      if (of_address(e) && (!wanted->port || context.fleet[e].port == *wanted->port)) found = e;
    }
    if (found) chosen[count++] = *found;
  }
  candidates.keep_if(DropReason::not_named, [&](EndpointIndex e) {
    return std::ranges::any_of(chosen.first(count), [&](EndpointIndex c) { return c == e; });
  });
}

}  // namespace pointsman
