#include "pointsman/sim/server_model.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "pointsman/base/bug.h"

namespace pointsman {
namespace {

// Blocks that hold `prompt` and `output` tokens.
std::uint64_t blocks_for(const ModelRequest& request, std::uint32_t block_tokens) {
  const std::uint64_t tokens = std::uint64_t{request.prompt_tokens} + request.output_tokens;
  return (tokens + block_tokens - 1) / block_tokens;
}

}  // namespace

ServerModel::ServerModel(const ServerParams& params) : params_(params), cache_(params.blocks) {
  if (params.chunk == 0 || params.max_running == 0 || params.block_tokens == 0) {
    bug("a server model needs a chunk, a batch and a block size");
  }
}

Result<std::uint64_t> ServerModel::submit(ModelRequest request, ModelTime now) {
  if (request.prompt_tokens == 0 || request.output_tokens == 0) {
    return fail(Code::bad_request, "prompt and output need at least one token each");
  }
  if (blocks_for(request, params_.block_tokens) > params_.blocks) {
    const std::uint64_t tokens = std::uint64_t{request.prompt_tokens} + request.output_tokens;
    return fail(Code::bad_request,
                "This model's maximum context length is " +
                    std::to_string(std::uint64_t{params_.blocks} * params_.block_tokens) +
                    " tokens. However, you requested " + std::to_string(tokens) + " tokens (" +
                    std::to_string(request.prompt_tokens) + " in the prompt, " +
                    std::to_string(request.output_tokens) + " in the completion).");
  }
  request.blocks.resize(
      std::min<std::size_t>(request.blocks.size(), request.prompt_tokens / params_.block_tokens));
  waiting_.push_back({.id = next_id_, .request = std::move(request), .arrived = now});
  return next_id_++;
}

void ServerModel::cancel(std::uint64_t request) {
  const auto is_it = [request](const Sequence& sequence) { return sequence.id == request; };
  if (std::erase_if(waiting_, is_it) > 0) return;
  const auto found = std::ranges::find_if(running_, is_it);
  if (found != running_.end()) found->cancelled = true;
}

std::optional<ModelTime> ServerModel::next_event_time() const {
  if (step_end_) return step_end_;
  if (waiting_.empty()) return std::nullopt;
  return std::max(free_at_, waiting_.front().arrived);
}

void ServerModel::advance(ModelTime now, std::vector<TokenEvent>& out) {
  for (auto next = next_event_time(); next && *next <= now; next = next_event_time()) {
    if (!step_end_) {
      begin_step(*next);
      continue;
    }
    finish_step(*next, out);
    if (!running_.empty()) begin_step(free_at_);
  }
}

ModelLoad ServerModel::load() const {
  return {.waiting = static_cast<std::uint32_t>(waiting_.size()),
          .running = static_cast<std::uint32_t>(running_.size()),
          .kv_usage = static_cast<double>(cache_.held()) / cache_.capacity()};
}

bool ServerModel::is_waiting(std::uint64_t request) const {
  return std::ranges::find(waiting_, request, &Sequence::id) != waiting_.end();
}

void ServerModel::begin_step(ModelTime start) {
  std::uint32_t budget = params_.chunk;
  for (Sequence& sequence : running_) {
    sequence.decoding = sequence.prefilled() && budget > 0;
    if (sequence.decoding) --budget;
  }
  const auto give = [&budget](Sequence& sequence) {
    sequence.scheduled = std::min(budget, sequence.request.prompt_tokens - sequence.computed);
    budget -= sequence.scheduled;
  };
  std::ranges::for_each(running_, give);
  while (budget > 0 && admit_next(start)) give(running_.back());
  step_end_ = start + step_time();
}

bool ServerModel::admit_next(ModelTime start) {
  if (waiting_.empty() || waiting_.front().arrived > start) return false;
  if (running_.size() >= params_.max_running) return false;
  Sequence& head = waiting_.front();
  // At least one token is always computed, so the block that holds the last one is never shared.
  const std::size_t usable = std::min<std::size_t>(
      head.request.blocks.size(), (head.request.prompt_tokens - 1) / params_.block_tokens);
  const auto total = static_cast<std::uint32_t>(blocks_for(head.request, params_.block_tokens));
  auto lease = cache_.reserve(std::span(head.request.blocks).first(usable), total);
  if (!lease) return false;
  head.admitted = start;
  head.lease = *std::move(lease);
  head.cached = static_cast<std::uint32_t>(head.lease.known.size()) * params_.block_tokens;
  head.computed = head.cached;
  running_.push_back(std::move(head));
  waiting_.pop_front();
  return true;
}

std::chrono::nanoseconds ServerModel::step_time() const {
  auto time = params_.step;
  for (const Sequence& sequence : running_) {
    if (sequence.decoding) {
      const double context = sequence.request.prompt_tokens + sequence.produced;
      time += params_.per_decode + context * params_.per_decode_context;
    }
    const double tokens = sequence.scheduled;
    const double mean_context = sequence.computed + tokens / 2;
    time += tokens * (params_.per_prefill_token + mean_context * params_.per_prefill_context);
  }
  return std::chrono::round<std::chrono::nanoseconds>(time);
}

void ServerModel::finish_step(ModelTime at, std::vector<TokenEvent>& out) {
  free_at_ = at;
  step_end_.reset();
  for (Sequence& sequence : running_) {
    if (sequence.scheduled > 0) compute(sequence);
    const bool first = sequence.scheduled > 0 && sequence.prefilled();
    sequence.scheduled = 0;
    if (sequence.cancelled || !(first || sequence.decoding)) continue;
    ++sequence.produced;
    out.push_back({.request = sequence.id,
                   .at = at,
                   .admitted = sequence.admitted,
                   .index = sequence.produced - 1,
                   .cached_tokens = sequence.cached,
                   .last = sequence.finished()});
  }
  for (Sequence& sequence : running_) {
    if (sequence.cancelled || sequence.finished()) cache_.release(sequence.lease);
  }
  std::erase_if(running_,
                [](const Sequence& sequence) { return sequence.cancelled || sequence.finished(); });
}

void ServerModel::compute(Sequence& sequence) {
  const std::uint32_t before = sequence.computed / params_.block_tokens;
  sequence.computed += sequence.scheduled;
  const std::size_t after = std::min<std::size_t>(sequence.request.blocks.size(),
                                                  sequence.computed / params_.block_tokens);
  for (std::size_t i = before; i < after; ++i) {
    cache_.publish(sequence.lease, sequence.request.blocks[i]);
  }
}

}  // namespace pointsman
