#include "pointsman/plugins/producers/inflight_load.h"

#include <algorithm>
#include <cmath>

namespace pointsman {
namespace {

constexpr std::string_view kPrefillProfile = "prefill";

}  // namespace

Result<void> InflightLoadParams::check(const InflightLoadParams& params) {
  if (!(params.output_ratio >= 0.0)) {
    return fail(Code::invalid_config,
                "outputRatio must be non-negative, got " + std::to_string(params.output_ratio));
  }
  if (params.max_output && *params.max_output < 0) {
    return fail(Code::invalid_config, "maxEstimatedOutputTokens must be non-negative, got " +
                                          std::to_string(*params.max_output));
  }
  return {};
}

InflightLoadProducer::InflightLoadProducer(const Params& params, Setup& setup)
    : add_output_(params.add_output),
      output_ratio_(params.output_ratio),
      max_output_(params.max_output),
      prompt_(setup.reads_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"})),
      match_(setup.reads_if_there<PrefixMatch>(
          DataKey{"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"}.from(
              params.prefix_producer))),
      load_(setup.writes<InFlightLoad>({"InFlightLoadDataKey", setup.name().name})),
      uncached_(setup.writes<UncachedTokens>({"UncachedRequestTokensDataKey", setup.name().name})),
      shares_(setup.keeps<Shares*>()) {}

std::int64_t InflightLoadProducer::expected_output(
    std::int64_t input, const std::optional<std::int64_t>& client_limit) const {
  if (input <= 0) return 0;
  // llround rounds halves away from zero. A huge product saturates.
  const double product = static_cast<double>(input) * output_ratio_;
  std::int64_t output =
      product < 1e15 ? std::llround(product) : std::int64_t{1'000'000'000'000'000};
  if (client_limit && *client_limit >= 0) output = std::min(output, *client_limit);
  if (max_output_) output = std::min(output, *max_output_);
  return output;
}

// The prompt without what the endpoint holds of it. The last block may be partial.
std::int64_t InflightLoadProducer::uncached(std::int64_t input, const PrefixMatch* match) const {
  if (match == nullptr || match->block_tokens <= 0 || match->total <= 0) {
    return std::max<std::int64_t>(input, 0);
  }
  const std::int64_t cached = std::int64_t{match->cached} * match->block_tokens;
  return std::max<std::int64_t>(input - cached, 0);
}

Result<void> InflightLoadProducer::produce(const Context& context,
                                           std::span<const EndpointIndex> candidates,
                                           Signals& signals) const {
  const TokenizedPrompt* const prompt = signals.read(prompt_);
  const std::int64_t input = prompt == nullptr ? 0 : prompt->tokens;
  const std::int64_t output =
      add_output_ ? expected_output(input, context.request.max_output_tokens) : 0;
  const auto matches = signals.read(match_);
  const auto loads = signals.write(load_);
  const auto costs = signals.write(uncached_);
  for (const EndpointIndex e : candidates) {
    loads[e] = table_.read(context.fleet[e].key);
    costs[e].tokens = uncached(input, matches.empty() ? nullptr : &matches[e]) + output;
  }
  signals.write(shares_) = signals.arena().array<Shares>(1).data();
  return {};
}

Result<void> InflightLoadProducer::dispatched(const Context& context, const Decision& decision,
                                              Effects& effects) {
  Shares* const* const shares = context.signals.read(shares_);
  const auto costs = context.signals.read(uncached_);
  if (shares == nullptr) return {};
  const auto all = context.signals.arena().array<Share>(decision.runs.size());
  std::size_t count = 0;
  for (const ProfileRun& run : decision.runs) {
    const auto picks = decision.picks_of(run);
    if (picks.empty()) continue;
    const EndpointIndex e = picks.front();
    Share& share = all[count++];
    share = {.endpoint = e,
             .prefill = decision.plan->profiles[run.profile].name == kPrefillProfile,
             .requests = 1,
             .tokens = costs[e].tokens};
    table_.add(context.fleet[e].key, share.requests, share.tokens);
    effects.samples.add("inflight_requests", 1.0, e);
    effects.samples.add("inflight_tokens", static_cast<double>(share.tokens), e);
  }
  **shares = all.first(count);
  return {};
}

void InflightLoadProducer::release(const Context& context, Share& share, std::int64_t requests,
                                   std::int64_t tokens, Effects& effects) {
  if (requests == 0 && tokens == 0) return;
  share.requests -= requests;
  share.tokens -= tokens;
  table_.add(context.fleet[share.endpoint].key, -requests, -tokens);
  if (requests != 0) {
    effects.samples.add("inflight_requests", -static_cast<double>(requests), share.endpoint);
  }
  if (tokens != 0) {
    effects.samples.add("inflight_tokens", -static_cast<double>(tokens), share.endpoint);
  }
}

void InflightLoadProducer::first_bytes(const Context& context, const Decision& /*decision*/,
                                       const Answer& /*answer*/, Effects& effects) {
  Shares* const* const shares = context.signals.read(shares_);
  if (shares == nullptr) return;
  for (Share& share : **shares) {
    if (share.prefill) {
      release(context, share, share.requests, share.tokens, effects);
    } else if (!add_output_) {
      release(context, share, 0, share.tokens, effects);
    }
  }
}

void InflightLoadProducer::finished(const Context& context, const Decision& /*decision*/,
                                    const Answer& /*answer*/, Effects& effects) {
  Shares* const* const shares = context.signals.read(shares_);
  if (shares == nullptr) return;
  for (Share& share : **shares) {
    release(context, share, share.requests, share.tokens, effects);
  }
}

}  // namespace pointsman
