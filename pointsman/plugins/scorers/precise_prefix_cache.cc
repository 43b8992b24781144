#include "pointsman/plugins/scorers/precise_prefix_cache.h"

#include <algorithm>
#include <cmath>

namespace pointsman {
namespace {

constexpr std::string_view kProducer = "precise-prefix-cache-producer";

std::size_t producers(const Setup& setup) {
  return static_cast<std::size_t>(std::ranges::count(setup.built(), kProducer, &BuiltPlugin::type));
}

}  // namespace

bool PrecisePrefixCacheScorer::ignores_parameters(const Setup& setup) {
  return producers(setup) > 0;
}

Result<void> PrecisePrefixCacheScorer::accept(const Params& /*params*/, const Setup& setup) {
  if (producers(setup) <= 1) return {};
  return fail(Code::invalid_config,
              "multiple precise-prefix-cache-producer instances are configured; use "
              "prefix-cache-scorer with prefixMatchInfoProducerName to choose one");
}

PrecisePrefixCacheScorer::PrecisePrefixCacheScorer(const Params& /*params*/, Setup& setup)
    : own_index_(producers(setup) == 0) {
  std::string producer = setup.name().name;
  if (!own_index_) {
    producer = std::ranges::find(setup.built(), kProducer, &BuiltPlugin::type)->name;
    setup.report_type(std::string(PrefixCacheScorer::kType));
  }
  inner_ = std::make_unique<PrefixCacheScorer>(PrefixCacheParams{.producer = producer}, setup);
}

void PrecisePrefixCacheScorer::score(const Context& context,
                                     std::span<const EndpointIndex> candidates,
                                     std::span<double> out) const {
  if (!own_index_) return inner_->score(context, candidates, out);
  auto scope = context.trace.enter("score_prefix_cache", SpanScope::plugins);
  inner_->score(context, candidates, out);
  if (!scope.recording()) return;
  double best = 0.0;
  double sum = 0.0;
  std::size_t scored = 0;
  for (const double score : out) {
    if (std::isnan(score)) continue;
    best = std::max(best, score);
    sum += score;
    ++scored;
  }
  scope.set("llm_d.epp.scorer.candidate_endpoints", candidates.size());
  if (!context.request.target_model.empty()) {
    scope.set("gen_ai.request.model", context.request.target_model);
  }
  if (!context.request.id.empty()) scope.set("gen_ai.request.id", context.request.id);
  if (scored == 0) return;
  scope.set("llm_d.epp.scorer.score.max", best);
  scope.set("llm_d.epp.scorer.score.avg", sum / static_cast<double>(scored));
  scope.set("llm_d.epp.scorer.endpoints_scored", scored);
}

void PrecisePrefixCacheScorer::readings(const Context& context,
                                        std::span<const EndpointIndex> candidates,
                                        std::span<float> out) const {
  inner_->readings(context, candidates, out);
}

}  // namespace pointsman
