#include "pointsman/plugins/producers/burst_prefix.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "pointsman/plugins/producers/invalid_value.h"
#include "pointsman/plugins/producers/prefix_hash.h"

namespace pointsman {
namespace {

constexpr std::size_t kDefaultBlocks = 2048;
constexpr int kQuietShare = 5;  // this part of the window without a newcomer ends a batch

}  // namespace

Result<void> BurstPrefixParams::check(const BurstPrefixParams& params) {
  if (params.window_ms < 1 || params.window_ms > 10'000) {
    return invalid_value("windowDurationMs must be between 1 and 10000", params.window_ms);
  }
  if (params.max_per_replica != -1 && params.max_per_replica < 1) {
    return invalid_value("maxPerReplica must be -1 or >= 1", params.max_per_replica);
  }
  if (params.block_tokens <= 0) {
    return invalid_value("blockSizeTokens must be > 0", params.block_tokens);
  }
  if (params.max_tokens != 0 && params.max_tokens < params.block_tokens) {
    return invalid_value("maxPrefixTokensToMatch must be 0 or >= blockSizeTokens",
                         params.max_tokens);
  }
  if (params.min_colocate_blocks < 0) {
    return invalid_value("minColocateBlocks must be >= 0", params.min_colocate_blocks);
  }
  if (params.max_batch != -1 && params.max_batch < 1) {
    return invalid_value("maxBatchSize must be -1 or >= 1", params.max_batch);
  }
  if (params.balance_by != "requests" && params.balance_by != "tokens") {
    return invalid_value("balanceBy must be requests or tokens", params.balance_by);
  }
  return {};
}

BurstPrefixProducer::BurstPrefixProducer(const Params& params, Setup& setup)
    : rules_{.max_per_replica = params.max_per_replica,
             .min_colocate = static_cast<std::size_t>(params.min_colocate_blocks),
             .balance_by_tokens = params.balance_by == "tokens"},
      window_(std::chrono::milliseconds(params.window_ms)),
      block_tokens_(static_cast<std::size_t>(params.block_tokens)),
      max_blocks_(params.max_tokens == 0
                      ? kDefaultBlocks
                      : static_cast<std::size_t>(params.max_tokens) / block_tokens_),
      max_batch_(params.max_batch < 0 ? std::numeric_limits<std::size_t>::max()
                                      : static_cast<std::size_t>(params.max_batch)),
      prompt_(setup.reads_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"})),
      match_(setup.writes<PrefixMatch>({"PrefixCacheMatchInfoDataKey", setup.name().name})),
      kept_(setup.keeps<const Ticket*>()),
      settler_([this](const std::stop_token& stop) { run(stop); }) {}

Result<bool> BurstPrefixProducer::prepare(const Context& context,
                                          std::span<const EndpointIndex> candidates,
                                          Signals& signals, const std::shared_ptr<Wakeup>& wakeup) {
  const TokenizedPrompt* const prompt = signals.read(prompt_);
  if (prompt == nullptr) return false;
  const auto ticket = std::make_shared<Ticket>();
  const Request& request = context.request;
  const std::uint64_t root = prefix_root(request.target_model, request.cache_salt);
  for (const Prompt& each : prompt->prompts) {
    const auto hashes = prefix_hashes(root, each, block_tokens_, max_blocks_, signals.arena());
    ticket->blocks.insert(ticket->blocks.end(), hashes.begin(), hashes.end());
  }
  if (ticket->blocks.empty()) return false;
  ticket->endpoints = context.fleet.identities();
  ticket->candidates.assign(candidates.begin(), candidates.end());
  const LoadView running = context.load(Load::running);
  for (const EndpointIndex e : candidates) {
    const double load = running[e];
    ticket->running.push_back(load >= 0.0 ? load : 0.0);
  }
  ticket->wakeup = wakeup;

  const auto now = Clock::now();
  const std::scoped_lock lock(mutex_);
  if (open_.size() >= max_batch_) {
    return fail(Code::resource_exhausted,
                "burst prefix batch full: maxBatchSize " + std::to_string(max_batch_) + " reached");
  }
  if (open_.empty()) opened_ = now;
  joined_ = now;
  open_.push_back(ticket);
  signals.write(kept_) = ticket.get();
  wakeup->hold(ticket);
  changed_.notify_one();
  return true;
}

Result<void> BurstPrefixProducer::produce(const Context& context,
                                          std::span<const EndpointIndex> candidates,
                                          Signals& signals) const {
  const Ticket* const* const kept = signals.read(kept_);
  if (kept == nullptr || *kept == nullptr) return {};
  const Ticket& ticket = **kept;
  const auto total = static_cast<std::int32_t>(ticket.blocks.size());
  const auto column = signals.write(match_);
  for (const EndpointIndex e : candidates) {
    const bool mine = ticket.is_assigned && context.fleet[e].key == ticket.assigned;
    column[e] = {.match = mine ? total : 0,
                 .total = total,
                 .block_tokens = static_cast<std::int32_t>(block_tokens_),
                 .cached = 0};  // it says where to go, not what is there
  }
  return {};
}

void BurstPrefixProducer::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !open_.empty(); })) {
    const auto end = std::min(opened_ + window_, joined_ + window_ / kQuietShare);
    if (Clock::now() < end) {
      changed_.wait_for(lock, stop, end - Clock::now(), [] { return false; });
      if (stop.stop_requested()) return;
      continue;
    }
    const Batch batch = std::move(open_);
    open_.clear();
    lock.unlock();
    settle(batch);
    lock.lock();
  }
}

void BurstPrefixProducer::settle(const Batch& batch) const {
  // The candidates of the first request stand for all.
  const Ticket& first = *batch.front();
  std::vector<BurstReplica> replicas;
  for (std::size_t i = 0; i < first.candidates.size(); ++i) {
    const Endpoint& endpoint = (*first.endpoints)[first.candidates[i]];
    replicas.push_back({.running = first.running[i], .id = endpoint.id});
  }
  std::vector<std::span<const std::uint64_t>> requests;
  for (const auto& ticket : batch) requests.emplace_back(ticket->blocks);
  const std::vector<int> assigned = assign_burst(rules_, requests, replicas);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Ticket& ticket = *batch[i];
    if (assigned[i] >= 0) {
      const EndpointIndex e = first.candidates[static_cast<std::size_t>(assigned[i])];
      ticket.assigned = (*first.endpoints)[e].key;
      ticket.is_assigned = true;
    }
    if (const auto wakeup = ticket.wakeup.lock()) wakeup->ring();
  }
}

}  // namespace pointsman
