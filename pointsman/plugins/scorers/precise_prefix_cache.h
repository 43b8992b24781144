#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "pointsman/plugins/scorers/prefix_cache.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

// Parameters that the index and its tokenizer take; a scorer bound to a producer ignores them.
struct PrecisePrefixCacheParams {
  const Node* token_processor = nullptr;
  const Node* indexer = nullptr;
  const Node* kv_events = nullptr;
  bool speculative = false;
  std::string speculative_ttl;

  static constexpr auto fields() {
    using P = PrecisePrefixCacheParams;
    return std::tuple{
        field("tokenProcessorConfig", &P::token_processor, "How prompts are cut into blocks."),
        field("indexerConfig", &P::indexer, "The index of blocks."),
        field("kvEventsConfig", &P::kv_events, "Where cache events come from."),
        field("speculativeIndexing", &P::speculative, "Count a prompt as held once it is sent."),
        field("speculativeTTL", &P::speculative_ttl, "For so long."),
    };
  }
};

// The scorer of releases in which one plugin had index and score (spec/01 section 3.2.13). Where
// one precise-prefix-cache-producer is listed before it, it is a prefix-cache-scorer of that
// producer and reports that type; else it reads the match that an index under its own name
// produces.
class PrecisePrefixCacheScorer final : public Scorer {
 public:
  using Params = PrecisePrefixCacheParams;
  static constexpr std::string_view kType = "precise-prefix-cache-scorer";
  static constexpr std::string_view kHelp =
      "Old name of prefix-cache-scorer with a precise-prefix-cache-producer.";
  static constexpr std::string_view kParseError =
      "failed to parse precise-prefix-cache-scorer config: ";

  PrecisePrefixCacheScorer(const Params& params, Setup& setup);
  // Errors: more than one producer is there to choose from.
  static Result<void> accept(const Params& params, const Setup& setup);
  // Whether the parameters mean nothing, so that they are not even read.
  static bool ignores_parameters(const Setup& setup);

  void score(const Context& context, std::span<const EndpointIndex> candidates,
             std::span<double> out) const override;
  Reading reading() const override { return inner_->reading(); }
  std::string_view unit() const override { return inner_->unit(); }
  void readings(const Context& context, std::span<const EndpointIndex> candidates,
                std::span<float> out) const override;

 private:
  bool own_index_;
  std::unique_ptr<PrefixCacheScorer> inner_;
};

}  // namespace pointsman
