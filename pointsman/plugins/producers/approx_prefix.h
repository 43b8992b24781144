#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>

#include "pointsman/plugins/producers/prefix_index.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

struct ApproxPrefixParams {
  bool auto_tune = true;
  int block_tokens = 16;
  int block_size = 0;
  int max_tokens = 131'072;
  int max_blocks = 2048;
  int capacity = 31'250;

  static constexpr auto fields() {
    using P = ApproxPrefixParams;
    return std::tuple{
        field("autoTune", &P::auto_tune, "Take block size and capacity from the servers' metrics."),
        field("blockSizeTokens", &P::block_tokens,
              "Tokens per block where the metrics do not tell; at least 64 are used."),
        field("blockSize", &P::block_size, "Deprecated name of blockSizeTokens."),
        field("maxPrefixTokensToMatch", &P::max_tokens,
              "So much of a prompt is looked at; 0: maxPrefixBlocksToMatch counts."),
        field("maxPrefixBlocksToMatch", &P::max_blocks,
              "Deprecated: the same in blocks; 0: no limit."),
        field("lruCapacityPerServer", &P::capacity,
              "Blocks remembered per server where the metrics do not tell."),
    };
  }
  static Result<void> check(const ApproxPrefixParams& params);

  // blockSizeTokens, or what the deprecated field says.
  int tokens_per_block() const;
};

// Guesses which servers hold the beginning of a prompt in their KV cache, from where earlier
// requests were sent (spec/05 section 4).
class ApproxPrefixProducer final : public Producer, public Hook, public Upkeep, public Gauged {
 public:
  using Params = ApproxPrefixParams;
  static constexpr std::string_view kType = "approx-prefix-cache-producer";
  static constexpr std::string_view kHelp =
      "Guesses from earlier requests which endpoints hold a prompt's beginning.";

  // Smaller blocks would cost more than they tell.
  static constexpr std::size_t kMinBlockTokens = 64;

  ApproxPrefixProducer(Params params, Setup& setup, std::size_t min_block_tokens = kMinBlockTokens);

  Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals) const override;
  Result<void> dispatched(const Context& context, const Decision& decision,
                          Effects& effects) override;
  void tend(const Fleet& fleet) override;

  void gauges(const Fleet& /*fleet*/, std::vector<GaugeReading>& out) const override {
    out.push_back({"prefix_indexer_size", {}, static_cast<double>(index_.size())});
  }

  const PrefixIndex& index() const { return index_; }

 private:
  // What produce() keeps for dispatched().
  struct Kept {
    std::span<const std::span<const std::uint64_t>> chains;  // one per prompt
    std::size_t block_tokens = 0;
  };

  std::size_t block_tokens(const Fleet& fleet) const;
  std::size_t max_blocks(std::size_t block_tokens) const;
  std::size_t capacity(const Fleet& fleet, EndpointIndex e, std::size_t block_tokens) const;
  void learn(const Context& context, const Kept& kept, EndpointIndex e);

  Params params_;
  std::size_t min_block_tokens_;
  Cell<TokenizedPrompt> prompt_;
  Column<PrefixMatch> match_;
  Cell<Kept> kept_;
  PrefixIndex index_;
  Clock::time_point next_prune_{};  // of tend() only
};

}  // namespace pointsman
