#include "pointsman/plugins/scorers/encoder_cache.h"

namespace pointsman {

EncoderCacheScorer::EncoderCacheScorer(const Params& params, Setup& setup)
    : match_(setup.reads<EncoderMatch>(
          DataKey{"MultiModalEncoderCacheMatchInfoKey", "mm-embeddings-cache-producer"}.from(
              params.producer))) {}

void EncoderCacheScorer::score(const Context& context, std::span<const EndpointIndex> candidates,
                               std::span<double> out) const {
  const auto matches = context.signals.read(match_);
  if (matches.empty()) return;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const EncoderMatch& m = matches[candidates[i]];
    if (m.requested > 0) out[i] = static_cast<double>(m.matched) / m.requested;
  }
}

void EncoderCacheScorer::readings(const Context& context, std::span<const EndpointIndex> candidates,
                                  std::span<float> out) const {
  const auto matches = context.signals.read(match_);
  if (matches.empty()) return;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const EncoderMatch& m = matches[candidates[i]];
    if (m.requested > 0) out[i] = static_cast<float>(m.matched);
  }
}

}  // namespace pointsman
