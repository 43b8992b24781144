#pragma once

#include <span>
#include <string>
#include <string_view>

#include "pointsman/stage/registry.h"

namespace pointsman {

struct EncoderCacheScorerParams {
  std::string producer;

  static constexpr auto fields() {
    return std::tuple{
        field("producerName", &EncoderCacheScorerParams::producer,
              "Which producer's match is read; empty: mm-embeddings-cache-producer.")};
  }
};

// Prefers endpoints that hold the request's images, sounds and videos encoded: the share they hold.
// No score for a request without any.
class EncoderCacheScorer final : public Scorer {
 public:
  using Params = EncoderCacheScorerParams;
  static constexpr std::string_view kType = "mm-embeddings-cache-scorer";
  static constexpr std::string_view kHelp =
      "Prefers endpoints believed to hold the request's images, sounds and videos encoded.";

  EncoderCacheScorer(const Params& params, Setup& setup);
  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  Reading reading() const override { return {.from = Reading::From::signal}; }
  std::string_view unit() const override { return "media items held"; }
  void readings(const Context& context, std::span<const EndpointIndex> candidates,
                std::span<float> out) const override;

 private:
  Column<EncoderMatch> match_;
};

}  // namespace pointsman
