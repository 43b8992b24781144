#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include "pointsman/plugins/producers/burst_assignment.h"
#include "pointsman/stage/registry.h"

namespace pointsman {

struct BurstPrefixParams {
  int window_ms = 100;
  int max_per_replica = -1;
  int block_tokens = 64;
  int max_tokens = 0;
  int min_colocate_blocks = 0;
  int max_batch = 1000;
  std::string balance_by = "requests";

  static constexpr auto fields() {
    using P = BurstPrefixParams;
    return std::tuple{
        field("windowDurationMs", &P::window_ms,
              "The longest time a request waits for others; 1 to 10000."),
        field("maxPerReplica", &P::max_per_replica,
              "Requests of one prompt that an endpoint gets of one batch; -1: no limit."),
        field("blockSizeTokens", &P::block_tokens, "Tokens per block."),
        field("maxPrefixTokensToMatch", &P::max_tokens,
              "So much of a prompt is looked at; 0: 2048 blocks."),
        field("minColocateBlocks", &P::min_colocate_blocks,
              "Equal leading blocks that bring different prompts together; 0: none do."),
        field("maxBatchSize", &P::max_batch, "Requests of one batch; -1: no limit."),
        field("balanceBy", &P::balance_by,
              "What is kept even between endpoints: requests or tokens."),
    };
  }
  static Result<void> check(const BurstPrefixParams& params);
};

// Brings requests together that arrive at the same time and begin alike: each waits for the others
// of its batch, then equal prompts are given to one endpoint (spec/05 section 5). A batch ends when
// its window has passed, or sooner, when nobody has joined it for a fifth of the window.
class BurstPrefixProducer final : public Producer, public Preparer {
 public:
  using Params = BurstPrefixParams;
  static constexpr std::string_view kType = "burst-prefix-cache-producer";
  static constexpr std::string_view kHelp =
      "Holds requests back for a moment to send those that begin alike to one endpoint.";

  BurstPrefixProducer(const Params& params, Setup& setup);

  // Joins the open batch. Errors: resource_exhausted when it is full.
  Result<bool> prepare(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals, const std::shared_ptr<Wakeup>& wakeup) override;
  Clock::duration patience() const override { return window_ + std::chrono::milliseconds(300); }
  Result<void> produce(const Context& context, std::span<const EndpointIndex> candidates,
                       Signals& signals) const override;

 private:
  using Endpoints = std::vector<Endpoint>;

  // One request of a batch, and what became of it.
  struct Ticket {
    std::vector<std::uint64_t> blocks;  // of all its prompts
    std::shared_ptr<const Endpoints> endpoints;
    std::vector<EndpointIndex> candidates;
    std::vector<double> running;  // by candidate
    std::weak_ptr<Wakeup> wakeup;
    EndpointKey assigned;  // set before the wakeup rings
    bool is_assigned = false;
  };
  using Batch = std::vector<std::shared_ptr<Ticket>>;

  void run(const std::stop_token& stop);
  void settle(const Batch& batch) const;

  BurstRules rules_;
  Clock::duration window_;
  std::size_t block_tokens_;
  std::size_t max_blocks_;
  std::size_t max_batch_;
  Cell<TokenizedPrompt> prompt_;
  Column<PrefixMatch> match_;
  Cell<const Ticket*> kept_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  Batch open_;
  Clock::time_point opened_;
  Clock::time_point joined_;
  std::jthread settler_;  // last: it uses what stands above
};

}  // namespace pointsman
