#include "pointsman/engine/sample_families.h"

#include <array>
#include <charconv>
#include <utility>

#include "pointsman/base/bug.h"

namespace pointsman {
namespace {

// A gauge of what is under way: endpoint_name, namespace, producer_name, fairness_id, priority.
template <typename Family>
void change(const Family& family, const Samples::Sample& sample, const TypedName& plugin,
            const Request& request, const Fleet& fleet, MetricShard& shard) {
  if (sample.endpoint >= fleet.size()) bug("a sample without its endpoint");
  const Endpoint& endpoint = fleet[sample.endpoint];
  std::array<char, 12> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), request.priority).ptr;
  const std::string_view priority(digits.data(), static_cast<std::size_t>(end - digits.data()));
  shard.add(
      shard.with(family, endpoint.name, endpoint.ns, plugin.name, request.fairness_id, priority),
      sample.value);
}

std::string_view model_label(const Request& request) {
  return request.target_model.empty() ? std::string_view("unknown") : request.target_model;
}

}  // namespace

void observe_samples(const Samples& samples, const TypedName& plugin, const Request& request,
                     const Fleet& fleet, MetricShard& shard) {
  for (const Samples::Sample& sample : samples.all()) {
    const auto count = static_cast<std::uint64_t>(sample.value);
    if (sample.family == "prefix_indexer_hit_ratio") {
      shard.observe(shard.with(metric::kPrefixHitRatio, plugin.name, plugin.type), sample.value);
    } else if (sample.family == "prefix_indexer_hit_bytes") {
      shard.observe(shard.with(metric::kPrefixHitBytes, plugin.name, plugin.type), sample.value);
    } else if (sample.family == "inflight_requests") {
      change(metric::kInflightRequests, sample, plugin, request, fleet, shard);
    } else if (sample.family == "inflight_tokens") {
      change(metric::kInflightTokens, sample, plugin, request, fleet, shard);
    } else if (sample.family == "encoder_cache_queries") {
      shard.add(shard.with(metric::kEncoderQueries, plugin.type, plugin.name, sample.kind), count);
    } else if (sample.family == "encoder_cache_hits") {
      shard.add(shard.with(metric::kEncoderHits, plugin.type, plugin.name,
                           fleet[sample.endpoint].id, sample.kind),
                count);
    } else if (sample.family == "encoder_cache_hit_ratio") {
      shard.observe(shard.with(metric::kEncoderHitRatio, plugin.type, plugin.name), sample.value);
    } else if (sample.family == "disagg_decision_total") {
      shard.add(shard.with(metric::kDisaggDecisions, plugin.name, plugin.type, model_label(request),
                           sample.kind),
                count);
    } else if (sample.family == "pd_decision_total") {
      shard.add(shard.with(metric::kPdDecisions, plugin.name, plugin.type, model_label(request),
                           sample.kind),
                count);
    } else if (sample.family == "disaggregatedset_strict_header_no_match_total") {
      shard.add(shard.with(metric::kStrictNoMatch, plugin.type, plugin.name, sample.kind), count);
    } else {
      bug("a plugin samples a family that does not exist");
    }
  }
}

Sample gauge_sample(GaugeReading reading, const TypedName& plugin) {
  if (reading.family == "prefix_indexer_size") {
    return {.family = &metric::kPrefixSize,
            .labels = {plugin.name, plugin.type},
            .value = reading.value};
  }
  if (reading.family == "disaggregatedset_revision_gating_share" && reading.labels.size() == 2) {
    return {.family = &metric::kRevisionShare,
            .labels = {plugin.type, plugin.name, std::move(reading.labels[0]),
                       std::move(reading.labels[1])},
            .value = reading.value};
  }
  bug("a plugin exposes a gauge that does not exist");
}

}  // namespace pointsman
