#include "pointsman/plugins/filters/by_label.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pointsman {
namespace {

constexpr std::string_view kRoleLabel = "llm-d.ai/role";

Result<void> invalid(std::string_view what) {
  return fail(Code::invalid_config,
              "invalid configuration for 'by-label' filter: " + std::string(what));
}

// Roles that include the stage. `both` is an old word for prefill-decode.
template <Role kRole>
constexpr auto roles() {
  using Names = std::string_view;
  if constexpr (kRole == Role::decode) {
    return std::to_array<Names>({"decode", "prefill-decode", "both", "encode-prefill-decode"});
  } else if constexpr (kRole == Role::prefill) {
    return std::to_array<Names>(
        {"prefill", "encode-prefill", "prefill-decode", "both", "encode-prefill-decode"});
  } else {
    return std::to_array<Names>({"encode", "encode-prefill", "encode-prefill-decode"});
  }
}

}  // namespace

Result<void> ByLabelParams::check(const ByLabelParams& params) {
  if (params.label.empty()) return invalid("'label' must be specified");
  if (params.valid_values.empty() && !params.allows_no_label) {
    return invalid("either 'validValues' must be non-empty or 'allowsNoLabel' must be true");
  }
  return {};
}

ByLabelFilter::ByLabelFilter(Params params, Setup& /*setup*/) : params_(std::move(params)) {
  // An absent label counts as an empty value, as in the reference.
  params_.allows_no_label =
      params_.allows_no_label ||
      std::ranges::find(params_.valid_values, "") != params_.valid_values.end();
}

void ByLabelFilter::filter(const Context& context, Candidates& candidates) const {
  const auto stays = stays_.of(context.fleet, [this](const Endpoint& endpoint) {
    const std::string* const value = endpoint.label(params_.label);
    if (value == nullptr) return params_.allows_no_label;
    return std::ranges::find(params_.valid_values, *value) != params_.valid_values.end();
  });
  candidates.keep_if(DropReason::label, [&](EndpointIndex e) { return stays[e]; });
}

template <Role kRole>
void RoleFilter<kRole>::filter(const Context& context, Candidates& candidates) const {
  static constexpr auto kRoles = roles<kRole>();
  const auto stays = stays_.of(context.fleet, [](const Endpoint& endpoint) {
    const std::string* const value = endpoint.label(kRoleLabel);
    if (value == nullptr) return kRole == Role::decode;
    return std::ranges::find(kRoles, *value) != kRoles.end();
  });
  candidates.keep_if(DropReason::label, [&](EndpointIndex e) { return stays[e]; });
}

template class RoleFilter<Role::decode>;
template class RoleFilter<Role::prefill>;
template class RoleFilter<Role::encode>;

}  // namespace pointsman
