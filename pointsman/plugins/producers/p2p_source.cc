#include "pointsman/plugins/producers/p2p_source.h"

#include <algorithm>
#include <cmath>

namespace pointsman {
namespace {

constexpr std::string_view kHeader = "x-kv-cache-source-host-port";

// A fraction in [0, 1) that depends on the id only: 32-bit FNV-1a (Fowler, Noll and Vo), as the
// reference has it.
double fraction(std::string_view id) {
  std::uint32_t hash = 2'166'136'261U;
  for (const char c : id) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 16'777'619U;
  }
  return static_cast<double>(hash) * 0x1.0p-32;
}

// Tokens that can be pulled from the endpoint.
std::int64_t pullable(const PrefixMatch& match) {
  const std::int32_t blocks = match.cached_cpu >= 0 ? match.cached_cpu : match.cached;
  return std::int64_t{blocks} * match.block_tokens;
}

}  // namespace

Result<void> P2pSourceParams::check(const P2pSourceParams& params) {
  if (params.min_delta >= 1) return {};
  return fail(Code::invalid_config, "p2p-source-producer: minCachedTokenDelta must be >= 1, got " +
                                        std::to_string(params.min_delta));
}

P2pSourceProducer::P2pSourceProducer(const Params& params, Setup& setup)
    : min_delta_(params.min_delta),
      prefill_profile_(params.prefill_profile),
      match_(setup.reads<PrefixMatch>(
          DataKey{"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"}.from(
              params.producer))),
      source_(setup.writes_cell<Source>({"best-match", setup.name().name})) {}

Result<void> P2pSourceProducer::produce(const Context& context,
                                        std::span<const EndpointIndex> candidates,
                                        Signals& signals) const {
  const auto matches = signals.read(match_);
  if (matches.empty()) return {};
  std::int64_t best = 0;
  for (const EndpointIndex e : candidates) best = std::max(best, pullable(matches[e]));
  if (best == 0) return {};
  const LoadView waiting = context.load(Load::waiting);
  // The weight of an endpoint that holds a block less than the best at most, else 0.
  const auto weight = [&](EndpointIndex e) {
    const std::int64_t tokens = pullable(matches[e]);
    if (tokens == 0 || tokens + matches[e].block_tokens < best) return 0.0;
    const double queue = waiting[e];
    return 1.0 / (1.0 + (std::isnan(queue) ? 0.0 : queue));
  };
  double sum = 0.0;
  for (const EndpointIndex e : candidates) sum += weight(e);
  double target = fraction(context.request.id) * sum;
  EndpointIndex chosen = kNoEndpoint;
  for (const EndpointIndex e : candidates) {
    const double w = weight(e);
    if (w == 0.0) continue;
    chosen = e;
    if (target < w) break;
    target -= w;
  }
  signals.write(source_) = {.endpoint = chosen, .tokens = pullable(matches[chosen])};
  return {};
}

Result<void> P2pSourceProducer::dispatched(const Context& context, const Decision& decision,
                                           Effects& effects) {
  effects.headers.remove(kHeader);  // a client must not name one
  const Source* const source = context.signals.read(source_);
  if (source == nullptr || decision.primary < 0) return {};
  const ProfileRun* computing = &decision.runs[static_cast<std::size_t>(decision.primary)];
  for (const ProfileRun& run : decision.runs) {
    const bool prefill = decision.plan->profiles[run.profile].name == prefill_profile_;
    if (prefill && !decision.picks_of(run).empty()) computing = &run;
  }
  const auto picks = decision.picks_of(*computing);
  if (picks.empty()) return {};
  const PrefixMatch& own = context.signals.read(match_)[picks.front()];
  const std::string& host = context.fleet[source->endpoint].host_port;
  if (host == context.fleet[picks.front()].host_port) return {};
  if (source->tokens - std::int64_t{own.cached} * own.block_tokens < min_delta_) return {};
  effects.headers.set(kHeader, host);
  return {};
}

}  // namespace pointsman
