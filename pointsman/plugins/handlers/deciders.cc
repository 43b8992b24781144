#include "pointsman/plugins/handlers/deciders.h"

#include "pointsman/plugins/handlers/request_media.h"

namespace pointsman {

AlwaysDisaggregateDecider::AlwaysDisaggregateDecider(Params /*params*/, Setup& /*setup*/) {}

bool AlwaysDisaggregateDecider::disaggregate(const Context& /*context*/,
                                             EndpointIndex /*endpoint*/) const {
  return true;
}

MultimodalDecider::MultimodalDecider(Params /*params*/, Setup& /*setup*/) {}

bool MultimodalDecider::disaggregate(const Context& context, EndpointIndex /*endpoint*/) const {
  return media_of(context.request).count > 0;
}

Result<void> PrefixDeciderParams::check(const PrefixDeciderParams& params) {
  for (const auto& [name, value] : {std::pair{"nonCachedTokens", params.non_cached_tokens},
                                    std::pair{"promptTokens", params.prompt_tokens}}) {
    if (value >= 0) continue;
    return fail(Code::invalid_config,
                "failed to create prefix-based-pd-decider plugin: " + std::string(name) +
                    " parameter of prefix disaggregation decider cannot be negative");
  }
  return {};
}

PrefixDecider::PrefixDecider(const Params& params, Setup& setup)
    : non_cached_(params.non_cached_tokens),
      at_least_(params.prompt_tokens),
      match_(setup.reads<PrefixMatch>(
          DataKey{"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"}.from(
              params.producer))),
      prompt_(setup.reads_cell<TokenizedPrompt>({"TokenizedPrompt", "token-producer"})) {}

bool PrefixDecider::disaggregate(const Context& context, EndpointIndex endpoint) const {
  if (non_cached_ == 0 || endpoint == kNoEndpoint) return false;
  const TokenizedPrompt* const prompt = context.signals.read(prompt_);
  const std::int64_t tokens = prompt == nullptr ? 0 : prompt->tokens;
  if (tokens < at_least_ || tokens < non_cached_) return false;
  const auto matches = context.signals.read(match_);
  if (matches.empty() || matches[endpoint].total <= 0) return false;
  const PrefixMatch& match = matches[endpoint];
  return tokens - std::int64_t{match.cached} * match.block_tokens >= non_cached_;
}

}  // namespace pointsman
