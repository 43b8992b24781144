#include "pointsman/plugins/producers/approx_prefix.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "pointsman/plugins/producers/invalid_value.h"
#include "pointsman/plugins/producers/prefix_hash.h"

namespace pointsman {
namespace {

constexpr int kDefaultBlockTokens = 16;
constexpr int kDefaultCapacity = 31'250;
constexpr auto kPruneEvery = std::chrono::minutes(2);
constexpr std::string_view kPrefillProfile = "prefill";

// A load signal whatever its age: what a server is built with does not go stale.
double lasting(const Fleet& fleet, Load which, EndpointIndex e) {
  return fleet.load(which).value[e];
}

// The endpoint a run chose first, if it chose one.
std::optional<EndpointIndex> first_pick(const Decision& decision, const ProfileRun& run) {
  const auto picks = decision.picks_of(run);
  return picks.empty() ? std::nullopt : std::optional(picks.front());
}

}  // namespace

int ApproxPrefixParams::tokens_per_block() const {
  return block_tokens == kDefaultBlockTokens && block_size > 0 ? block_size : block_tokens;
}

Result<void> ApproxPrefixParams::check(const ApproxPrefixParams& params) {
  if (!params.auto_tune && params.tokens_per_block() <= 0) {
    return invalid_value("BlockSizeTokens must be > 0 when AutoTune is disabled",
                         params.tokens_per_block());
  }
  if (params.max_tokens < 0)
    return invalid_value("MaxPrefixTokensToMatch must be >= 0", params.max_tokens);
  return {};
}

ApproxPrefixProducer::ApproxPrefixProducer(Params params, Setup& setup,
                                           std::size_t min_block_tokens)
    : params_(params),
      min_block_tokens_(min_block_tokens),
      prompt_(setup.reads_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"})),
      match_(setup.writes<PrefixMatch>({"PrefixCacheMatchInfoDataKey", setup.name().name})),
      kept_(setup.keeps<Kept>()) {}

Result<void> ApproxPrefixProducer::produce(const Context& context,
                                           std::span<const EndpointIndex> candidates,
                                           Signals& signals) const {
  const TokenizedPrompt* const prompt = signals.read(prompt_);
  if (prompt == nullptr) return {};
  const Request& request = context.request;
  Arena& arena = signals.arena();
  const std::size_t block = block_tokens(context.fleet);
  const std::size_t most = max_blocks(block);
  const std::uint64_t root = prefix_root(request.target_model, request.cache_salt);
  const auto keys = arena.array<EndpointKey>(candidates.size());
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = context.fleet[candidates[i]].key;

  const auto chains = arena.array<std::span<const std::uint64_t>>(prompt->prompts.size());
  const auto matches = arena.array<std::int32_t>(candidates.size());
  PrefixIndex::Match match(index_, keys, matches, arena);
  std::size_t total = 0;
  for (std::size_t i = 0; i < chains.size(); ++i) {
    chains[i] = prefix_hashes(root, prompt->prompts[i], block, most, arena);
    total += chains[i].size();
    match.add(chains[i]);
  }
  if (total == 0) return {};
  const auto column = signals.write(match_);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    column[candidates[i]] = {.match = matches[i],
                             .total = static_cast<std::int32_t>(total),
                             .block_tokens = static_cast<std::int32_t>(block),
                             .cached = matches[i]};
  }
  signals.write(kept_) = {.chains = chains, .block_tokens = block};
  return {};
}

Result<void> ApproxPrefixProducer::dispatched(const Context& context, const Decision& decision,
                                              Effects& effects) {
  const Kept* const kept = context.signals.read(kept_);
  if (kept == nullptr || decision.primary < 0) return {};
  const auto primary = static_cast<std::size_t>(decision.primary);
  for (std::size_t i = 0; i < decision.runs.size(); ++i) {
    const ProfileRun& run = decision.runs[i];
    const auto target = first_pick(decision, run);
    const bool prefill = decision.plan->profiles[run.profile].name == kPrefillProfile;
    if (!target || (i != primary && !prefill)) continue;
    learn(context, *kept, *target);
    if (i != primary) continue;
    const PrefixMatch& match = context.signals.read(match_)[*target];
    const double matched = match.match;
    effects.samples.add("prefix_indexer_hit_bytes", matched * match.block_tokens * 4);
    if (match.total > 0) effects.samples.add("prefix_indexer_hit_ratio", matched / match.total);
  }
  return {};
}

void ApproxPrefixProducer::learn(const Context& context, const Kept& kept, EndpointIndex e) {
  const std::size_t room = capacity(context.fleet, e, kept.block_tokens);
  for (const auto& chain : kept.chains) index_.insert(context.fleet[e].key, chain, room);
}

void ApproxPrefixProducer::tend(const Fleet& fleet) {
  // An endpoint may be gone for a moment only; what is remembered of it is worth a little memory.
  const Clock::time_point now = Clock::now();
  if (now < next_prune_) return;
  next_prune_ = now + kPruneEvery;
  index_.retain([&fleet](EndpointKey key) { return fleet.find(key).has_value(); });
}

// One block size for all, whichever endpoints are candidates: the smallest that a server reports.
// A size of their own for each would put equal prompts under different hashes.
std::size_t ApproxPrefixProducer::block_tokens(const Fleet& fleet) const {
  auto tokens = static_cast<double>(params_.tokens_per_block());
  if (params_.auto_tune) {
    double smallest = std::numeric_limits<double>::infinity();
    for (const double reported : fleet.load(Load::block_size).value) {
      if (reported > 0.0) smallest = std::min(smallest, reported);
    }
    if (smallest < std::numeric_limits<std::int32_t>::max()) tokens = smallest;
  }
  return std::max(static_cast<std::size_t>(std::max(tokens, 1.0)), min_block_tokens_);
}

std::size_t ApproxPrefixProducer::max_blocks(std::size_t block_tokens) const {
  if (params_.max_tokens > 0) return static_cast<std::size_t>(params_.max_tokens) / block_tokens;
  if (params_.max_blocks <= 0) return std::numeric_limits<std::size_t>::max();
  return static_cast<std::size_t>(params_.max_blocks);
}

// How many of our blocks the server's cache holds. Servers count in their own, often smaller ones.
std::size_t ApproxPrefixProducer::capacity(const Fleet& fleet, EndpointIndex e,
                                           std::size_t block_tokens) const {
  const double blocks = lasting(fleet, Load::num_blocks, e);
  if (params_.auto_tune && blocks > 0.0) {
    const double size = lasting(fleet, Load::block_size, e);
    const double scale = size > 0.0 ? size / static_cast<double>(block_tokens) : 1.0;
    return static_cast<std::size_t>(std::clamp(blocks * scale, 1.0, 1e8));
  }
  return static_cast<std::size_t>(params_.capacity > 0 ? params_.capacity : kDefaultCapacity);
}

}  // namespace pointsman
