#include "pointsman/engine/span_attributes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string_view>

namespace pointsman {

void set_request(Trace::Scope& scope, const Request& request) {
  if (!scope.recording()) return;
  if (!request.target_model.empty()) scope.set("gen_ai.request.model", request.target_model);
  if (!request.id.empty()) scope.set("gen_ai.request.id", request.id);
}

void set_scores(Trace::Scope& scope, std::span<const double> raw) {
  if (!scope.recording()) return;
  double most = -std::numeric_limits<double>::infinity();
  double sum = 0.0;
  std::size_t scored = 0;
  for (const double score : raw) {
    if (std::isnan(score)) continue;
    most = std::max(most, score);
    sum += score;
    ++scored;
  }
  if (scored == 0) return;
  scope.set("llm_d.epp.scorer.score.max", most);
  scope.set("llm_d.epp.scorer.score.avg", sum / static_cast<double>(scored));
  scope.set("llm_d.epp.scorer.endpoints_scored", scored);
}

void set_top(Trace::Scope& scope, const Fleet& fleet, std::span<const EndpointIndex> candidates,
             std::span<const double> totals) {
  if (!scope.recording() || candidates.empty()) return;
  constexpr std::size_t kTop = 5;
  std::array<std::size_t, kTop> best{};  // positions, best first
  std::size_t used = 0;
  const auto before = [&](std::size_t a, std::size_t b) {
    if (totals[a] != totals[b]) return totals[a] > totals[b];
    return fleet[candidates[a]].id < fleet[candidates[b]].id;
  };
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (used == kTop && !before(i, best[kTop - 1])) continue;
    std::size_t at = used < kTop ? used++ : kTop - 1;
    for (; at > 0 && before(i, best[at - 1]); --at) best[at] = best[at - 1];
    best[at] = i;
  }
  std::array<std::string_view, kTop> names;
  std::array<double, kTop> scores{};
  for (std::size_t i = 0; i < used; ++i) {
    names[i] = fleet[candidates[best[i]]].id;
    scores[i] = totals[best[i]];
  }
  scope.set("llm_d.epp.picker.top_endpoints", std::span(names).first(used));
  scope.set("llm_d.epp.picker.top_scores", std::span(scores).first(used));
}

}  // namespace pointsman
