#include "pointsman/plugins/screeners/disaggregatedset_rollout.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace pointsman {
namespace {

ShareMode mode_of(const RolloutParams::Gating& gating) {
  return gating.mode == "sum" ? ShareMode::sum : ShareMode::max_role;
}

// The label's value; empty when it is absent.
std::string_view label(const Endpoint& endpoint, const std::string& key) {
  const std::string* const value = endpoint.label(key);
  return value == nullptr ? std::string_view() : *value;
}

}  // namespace

DisaggregatedSetRollout::DisaggregatedSetRollout(Params params, Setup& /*setup*/)
    : params_(std::move(params)), scope_(*LabelSelector::parse(params_.scope.selector)) {}

std::span<const DisaggregatedSetRollout::Member> DisaggregatedSetRollout::members(
    const Fleet& fleet) const {
  return members_.of(fleet, [this](const Endpoint& endpoint) {
    return Member{.in_scope = scope_.matches(endpoint.labels),
                  .revision = label(endpoint, params_.gating->revision_label),
                  .role = label(endpoint, params_.gating->role_label)};
  });
}

std::span<RevisionShare> DisaggregatedSetRollout::shares(const Fleet& fleet, Arena& arena) const {
  const auto all = members(fleet);
  const auto pods = arena.array<SetPod>(fleet.size());
  std::size_t count = 0;
  for (EndpointIndex e = 0; e < fleet.size(); ++e) {
    const Member& one = all[e];
    if (!fleet.ready(e) || !one.in_scope || one.revision.empty() || one.role.empty()) continue;
    pods[count++] = {
        .ns = fleet[e].ns, .name = fleet[e].pod, .revision = one.revision, .role = one.role};
  }
  return revision_shares(pods.first(count), params_.gating->roles->values, mode_of(*params_.gating),
                         arena);
}

void DisaggregatedSetRollout::gate(const Context& context,
                                   std::span<const EndpointIndex> candidates, std::span<bool> stays,
                                   Random random) const {
  const auto all = shares(context.fleet, context.signals.arena());
  const auto of = members(context.fleet);
  // Revisions that the request could not go to are out of the draw.
  for (RevisionShare& each : all) {
    const auto is_of_it = [&](EndpointIndex e) { return of[e].revision == each.revision; };
    if (std::ranges::none_of(candidates, is_of_it)) each.share = 0.0;
  }
  const bool client_chooses = std::ranges::any_of(params_.selectors, [&](const auto& selector) {
    return selector.strict() && !context.request.header(selector.header).empty();
  });
  const std::string_view picked =
      client_chooses ? std::string_view() : pick_revision(all, random.unit());
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::string_view mine = of[candidates[i]].revision;
    const auto open = std::ranges::find(all, mine, &RevisionShare::revision);
    stays[i] = open != all.end() && open->share > 0.0 && (client_chooses || mine == picked);
  }
}

void DisaggregatedSetRollout::screen(const Context& context,
                                     std::span<const EndpointIndex> candidates,
                                     std::span<bool> stays, Random random, Samples& samples) const {
  if (params_.gating->active()) gate(context, candidates, stays, random);
  const auto anybody = [&] { return std::ranges::find(stays, true) != stays.end(); };
  for (const RolloutParams::HeaderSelector& selector : params_.selectors) {
    const std::string_view wanted = context.request.header(selector.header);
    if (!selector.strict() || wanted.empty() || !anybody()) continue;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      stays[i] = stays[i] && label(context.fleet[candidates[i]], selector.label) == wanted;
    }
    if (anybody()) continue;
    samples.add("disaggregatedset_strict_header_no_match_total", 1.0, kNoEndpoint, selector.name);
    return;
  }
}

void DisaggregatedSetRollout::answered(const Context& context, const Decision& decision,
                                       const Answer& /*answer*/, Effects& effects) {
  const auto targets = decision.targets();
  if (targets.empty()) return;
  for (const RolloutParams::HeaderSelector& selector : params_.selectors) {
    const std::string_view value = label(context.fleet[targets.front()], selector.label);
    if (!value.empty()) effects.headers.set(selector.header, value);
  }
}

void DisaggregatedSetRollout::gauges(const Fleet& fleet, std::vector<GaugeReading>& out) const {
  if (!params_.gating->active()) return;
  Arena arena;
  for (const RevisionShare& each : shares(fleet, arena)) {
    out.push_back({.family = "disaggregatedset_revision_gating_share",
                   .labels = {params_.gating->mode, std::string(each.revision)},
                   .value = each.share});
  }
}

}  // namespace pointsman
