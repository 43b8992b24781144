#include "pointsman/plugins/scorers/inflight_scorers.h"

#include <algorithm>

namespace pointsman {
namespace {

constexpr std::string_view kProducer = "inflight-load-producer";

DataKey load_key(const std::string& producer) {
  return DataKey{"InFlightLoadDataKey", std::string(kProducer)}.from(producer);
}

}  // namespace

TokenLoadScorer::TokenLoadScorer(const Params& params, Setup& setup)
    : threshold_(static_cast<double>(params.threshold > 0 ? params.threshold : Params{}.threshold)),
      load_(setup.reads<InFlightLoad>(load_key(params.producer))),
      uncached_(setup.reads<UncachedTokens>(
          DataKey{"UncachedRequestTokensDataKey", std::string(kProducer)}.from(params.producer))) {}

std::int64_t TokenLoadScorer::tokens(const Context& context, EndpointIndex e) const {
  const auto loads = context.signals.read(load_);
  const auto uncached = context.signals.read(uncached_);
  return (loads.empty() ? 0 : loads[e].tokens) + (uncached.empty() ? 0 : uncached[e].tokens);
}

void TokenLoadScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                            std::span<double> out) const {
  if (context.signals.read(load_).empty()) return;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto load =
        static_cast<double>(std::max<std::int64_t>(tokens(context, candidates[i]), 0));
    out[i] = 1.0 - std::min(load, threshold_) / threshold_;
  }
}

void TokenLoadScorer::readings(const Context& context, std::span<const EndpointIndex> candidates,
                               std::span<float> out) const {
  if (context.signals.read(load_).empty()) return;
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(tokens(context, candidates[i]));
  }
}

ActiveRequestScorer::ActiveRequestScorer(const Params& params, Setup& setup)
    : idle_threshold_(std::max(params.idle_threshold, 0)),
      max_busy_score_(params.max_busy_score.value_or(1.0)),
      load_(setup.reads<InFlightLoad>(load_key(params.producer))) {
  if (!(max_busy_score_ >= 0.0 && max_busy_score_ <= 1.0)) max_busy_score_ = 1.0;
}

void ActiveRequestScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                                std::span<double> out) const {
  const auto loads = context.signals.read(load_);
  if (loads.empty()) return;
  std::int64_t most = 0;
  for (const EndpointIndex e : candidates) most = std::max(most, loads[e].requests);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t count = loads[candidates[i]].requests;
    out[i] = count <= idle_threshold_
                 ? 1.0
                 : static_cast<double>(most - count) / static_cast<double>(most) * max_busy_score_;
  }
}

void ActiveRequestScorer::readings(const Context& context,
                                   std::span<const EndpointIndex> candidates,
                                   std::span<float> out) const {
  const auto loads = context.signals.read(load_);
  if (loads.empty()) return;
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(loads[candidates[i]].requests);
  }
}

}  // namespace pointsman
