#include "pointsman/plugins/scorers/prefix_cache.h"

#include <algorithm>
#include <cstddef>

namespace pointsman {

Result<void> PrefixCacheParams::check(const PrefixCacheParams& params) {
  if (params.match_length_weight > 0.0 && params.match_length_scale_tokens <= 0) {
    return fail(Code::invalid_config,
                "matchLengthScaleTokens must be > 0 when matchLengthWeight is set, got " +
                    std::to_string(params.match_length_scale_tokens));
  }
  return {};
}

PrefixCacheScorer::PrefixCacheScorer(const Params& params, Setup& setup)
    : length_weight_(params.match_length_weight),
      length_scale_(static_cast<double>(params.match_length_scale_tokens)),
      match_(setup.reads<PrefixMatch>(
          DataKey{"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"}.from(
              params.producer))) {}

void PrefixCacheScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                              std::span<double> out) const {
  const auto matches = context.signals.read(match_);
  if (matches.empty()) return;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const PrefixMatch& m = matches[candidates[i]];
    if (m.total <= 0) continue;
    const double share = static_cast<double>(m.match) / m.total;
    double length = 0.0;
    if (length_weight_ > 0.0 && m.block_tokens > 0) {
      const double reach =
          std::min(1.0, static_cast<double>(m.match) * m.block_tokens / length_scale_);
      length = reach * reach;
    }
    out[i] = length_weight_ * length + (1.0 - length_weight_) * share;
  }
}

void PrefixCacheScorer::readings(const Context& context, std::span<const EndpointIndex> candidates,
                                 std::span<float> out) const {
  const auto matches = context.signals.read(match_);
  if (matches.empty()) return;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const PrefixMatch& m = matches[candidates[i]];
    if (m.total > 0) out[i] = static_cast<float>(m.match) * static_cast<float>(m.block_tokens);
  }
}

}  // namespace pointsman
