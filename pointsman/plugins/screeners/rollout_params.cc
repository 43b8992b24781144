#include "pointsman/plugins/screeners/rollout_params.h"

#include <set>
#include <string>

#include "pointsman/base/text.h"
#include "pointsman/config/label_selector.h"

namespace pointsman {
namespace {

std::unexpected<Error> refuse(std::string text) {
  return fail(Code::invalid_config, std::move(text));
}

Result<void> check_selectors(const std::vector<RolloutParams::HeaderSelector>& selectors) {
  std::set<std::string> names;
  std::set<std::string> headers;
  for (std::size_t i = 0; i < selectors.size(); ++i) {
    const auto& selector = selectors[i];
    const std::string path = "headerSelectors[" + std::to_string(i) + "].";
    if (selector.name.empty()) return refuse(path + "name is required");
    if (selector.header.empty()) return refuse(path + "headerName is required");
    if (selector.label.empty()) return refuse(path + "labelKey is required");
    if (!selector.strict() && selector.mode != "prefer") {
      return refuse(path + "mode " + in_quotes(selector.mode) + " must be one of strict|prefer");
    }
    if (!names.insert(selector.name).second) {
      return refuse("headerSelectors: duplicate name " + in_quotes(selector.name));
    }
    if (const std::string header = to_lower(selector.header); !headers.insert(header).second) {
      return refuse("headerSelectors: duplicate headerName " + in_quotes(header));
    }
  }
  return {};
}

Result<void> check_gating(const RolloutParams::Gating& gating) {
  if (gating.mode != "sum" && gating.mode != "max-role" && gating.mode != "disabled") {
    return refuse("revisionGating.mode " + in_quotes(gating.mode) +
                  " must be one of sum|max-role|disabled");
  }
  if (!gating.active()) return {};
  if (!gating.roles) {
    return refuse("revisionGating.requireRoles is required when revisionGating.mode=" +
                  gating.mode);
  }
  const std::vector<std::string>& roles = gating.roles->values;
  const std::string path = "revisionGating.requireRoles.values";
  if (roles.empty()) return refuse(path + " must contain at least one role");
  std::set<std::string> seen;
  for (std::size_t i = 0; i < roles.size(); ++i) {
    if (roles[i].empty()) return refuse(path + "[" + std::to_string(i) + "] must not be empty");
    if (!seen.insert(roles[i]).second) {
      return refuse(path + " contains duplicate role " + in_quotes(roles[i]));
    }
  }
  return {};
}

}  // namespace

Result<RolloutParams> RolloutParams::read(const Block& block) {
  if (block.node == nullptr || block.node->is_null()) {
    return refuse("disaggregatedset-rollout-screener requires parameters");
  }
  Diagnostics problems;
  auto params = decode<RolloutParams>(block, problems);
  if (!params) {
    return refuse("decode disaggregatedset-rollout-screener parameters: " + params.error().message);
  }
  if (auto good = check(*params); !good) return std::unexpected(good.error());
  for (HeaderSelector& selector : params->selectors) selector.header = to_lower(selector.header);
  return params;
}

Result<void> RolloutParams::check(const RolloutParams& params) {
  if (params.scope.selector.empty()) return refuse("scope.labelSelector is required");
  if (const auto parsed = LabelSelector::parse(params.scope.selector); !parsed) {
    return refuse("scope.labelSelector is not a valid label selector: " + parsed.error().message);
  }
  if (auto good = check_selectors(params.selectors); !good) return good;
  if (!params.gating) return refuse("revisionGating is required");
  return check_gating(*params.gating);
}

}  // namespace pointsman
