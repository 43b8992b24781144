#pragma once

#include <span>
#include <string>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct PrefixCacheParams {
  std::string producer;
  double match_length_weight = 0.0;
  std::int64_t match_length_scale_tokens = 8192;

  static constexpr auto fields() {
    using P = PrefixCacheParams;
    return std::tuple{
        field("prefixMatchInfoProducerName", &P::producer,
              "Which producer's match is read; empty: approx-prefix-cache-producer."),
        field("matchLengthWeight", &P::match_length_weight, Between{0.0, 1.0},
              "Weight of the match's absolute length against its share of the prompt."),
        field("matchLengthScaleTokens", &P::match_length_scale_tokens,
              "Matched tokens at which the length counts fully."),
    };
  }
  static Result<void> check(const PrefixCacheParams& params);
};

// Prefers servers that hold the beginning of the prompt in their cache. With match m of t blocks of
// b tokens: w * min(1, m*b/S)^2 + (1 - w) * m/t, where w is matchLengthWeight and S the scale.
class PrefixCacheScorer final : public Scorer {
 public:
  using Params = PrefixCacheParams;
  static constexpr std::string_view kType = "prefix-cache-scorer";
  static constexpr std::string_view kHelp =
      "Prefers endpoints believed to hold the prompt's beginning in their KV cache.";
  static constexpr std::string_view kParseError =
      "failed to decode prefix cache scorer parameters: ";

  PrefixCacheScorer(const Params& params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  Reading reading() const override { return {.from = Reading::From::signal}; }
  std::string_view unit() const override { return "cached tokens"; }
  void readings(const Context& context, std::span<const EndpointIndex> candidates,
                std::span<float> out) const override;

 private:
  double length_weight_;
  double length_scale_;
  Column<PrefixMatch> match_;
};

}  // namespace pointsman
