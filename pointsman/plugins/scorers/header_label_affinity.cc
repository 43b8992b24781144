#include "pointsman/plugins/scorers/header_label_affinity.h"

#include <algorithm>
#include <utility>

namespace pointsman {

Result<void> HeaderLabelParams::check(const HeaderLabelParams& params) {
  // Empty both: nothing was written, which accept() says better.
  if (params.header.empty() && params.label.empty()) return {};
  if (params.header.empty()) return fail(Code::invalid_config, "headerName is required");
  if (params.label.empty()) return fail(Code::invalid_config, "labelKey is required");
  return {};
}

Result<void> HeaderLabelAffinityScorer::accept(const Params& params, const Setup& setup) {
  if (setup.parameters().node == nullptr) {
    return fail(Code::invalid_config, "header-label-affinity-scorer requires parameters");
  }
  if (params.header.empty()) return fail(Code::invalid_config, "headerName is required");
  return {};
}

HeaderLabelAffinityScorer::HeaderLabelAffinityScorer(Params params, Setup& setup)
    : header_(std::move(params.header)), label_(std::move(params.label)) {
  std::ranges::transform(header_, header_.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  setup.reads_header(header_);
}

void HeaderLabelAffinityScorer::score(const Context& context,
                                      std::span<const EndpointIndex> candidates,
                                      std::span<double> out) const {
  const std::string_view wanted = context.request.header(header_);
  if (wanted.empty()) {
    std::ranges::fill(out, 0.0);
    return;
  }
  const auto values = values_.of(context.fleet, [this](const Endpoint& endpoint) {
    const std::string* const value = endpoint.label(label_);
    return value == nullptr ? std::string_view() : std::string_view(*value);
  });
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = values[candidates[i]] == wanted ? 1.0 : 0.0;
  }
}

}  // namespace pointsman
