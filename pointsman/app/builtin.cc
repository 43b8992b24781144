#include "pointsman/app/builtin.h"

#include "pointsman/app/known_types.h"
#include "pointsman/app/renames.h"
#include "pointsman/fleet/core_metrics_extractor.h"
#include "pointsman/fleet/file_discovery.h"
#include "pointsman/fleet/metrics_data_source.h"
#include "pointsman/plugins/admitters/latency_slo.h"
#include "pointsman/plugins/admitters/probabilistic.h"
#include "pointsman/plugins/filters/by_label.h"
#include "pointsman/plugins/filters/endpoint_attribute.h"
#include "pointsman/plugins/filters/header_testing.h"
#include "pointsman/plugins/filters/label_selector.h"
#include "pointsman/plugins/filters/prefix_cache_affinity.h"
#include "pointsman/plugins/filters/session_affinity.h"
#include "pointsman/plugins/filters/slo_headroom_tier.h"
#include "pointsman/plugins/filters/topology_affinity.h"
#include "pointsman/plugins/filters/utilization.h"
#include "pointsman/plugins/handlers/data_parallel.h"
#include "pointsman/plugins/handlers/deciders.h"
#include "pointsman/plugins/handlers/disagg_headers.h"
#include "pointsman/plugins/handlers/disagg_profile.h"
#include "pointsman/plugins/handlers/header_profile.h"
#include "pointsman/plugins/handlers/pd_profile.h"
#include "pointsman/plugins/handlers/single_profile.h"
#include "pointsman/plugins/hooks/agent_identity.h"
#include "pointsman/plugins/hooks/request_attribute_reporter.h"
#include "pointsman/plugins/hooks/served_verifier.h"
#include "pointsman/plugins/parsers/anthropic.h"
#include "pointsman/plugins/parsers/openai.h"
#include "pointsman/plugins/parsers/passthrough.h"
#include "pointsman/plugins/parsers/sglang_http.h"
#include "pointsman/plugins/parsers/vertex_ai.h"
#include "pointsman/plugins/parsers/vllm_grpc.h"
#include "pointsman/plugins/parsers/vllm_http.h"
#include "pointsman/plugins/pickers/pickers.h"
#include "pointsman/plugins/policies/flow_policies.h"
#include "pointsman/plugins/producers/approx_prefix.h"
#include "pointsman/plugins/producers/burst_prefix.h"
#include "pointsman/plugins/producers/encoder_cache.h"
#include "pointsman/plugins/producers/inflight_load.h"
#include "pointsman/plugins/producers/p2p_source.h"
#include "pointsman/plugins/producers/session_id.h"
#include "pointsman/plugins/producers/token_producer.h"
#include "pointsman/plugins/producers/topology_extractor.h"
#include "pointsman/plugins/saturation/utilization_detector.h"
#include "pointsman/plugins/scorers/context_length_aware.h"
#include "pointsman/plugins/scorers/encoder_cache.h"
#include "pointsman/plugins/scorers/endpoint_attribute.h"
#include "pointsman/plugins/scorers/header_label_affinity.h"
#include "pointsman/plugins/scorers/inflight_scorers.h"
#include "pointsman/plugins/scorers/latency.h"
#include "pointsman/plugins/scorers/load_aware.h"
#include "pointsman/plugins/scorers/load_scorers.h"
#include "pointsman/plugins/scorers/lora_affinity.h"
#include "pointsman/plugins/scorers/multicluster.h"
#include "pointsman/plugins/scorers/no_hit_lru.h"
#include "pointsman/plugins/scorers/precise_prefix_cache.h"
#include "pointsman/plugins/scorers/prefix_cache.h"
#include "pointsman/plugins/screeners/disaggregatedset_rollout.h"

namespace pointsman {
namespace {

constexpr auto kAlpha = Stability::alpha;

constexpr Deprecation kUseLabelSelector{
    .since = "v0.9.0", .removal = "v0.11.0", .replacement = "label-selector-filter"};

constexpr Deprecation kUseDisaggHandler{
    .since = "v0.9.0", .removal = "v0.11.0", .replacement = "disagg-profile-handler"};

// By type within each role.
void add_filters(Registry& registry) {
  registry.add<ByLabelFilter>({.deprecated = kUseLabelSelector});
  registry.add<DecodeFilter>();
  registry.add<EncodeFilter>();
  registry.add<EndpointAttributeFilter>({.stability = kAlpha});
  registry.add<HeaderTestingFilter>();
  registry.add<LabelSelectorFilter>();
  registry.add<LabelSelectorFilter>({.type = "by-label-selector", .deprecated = kUseLabelSelector});
  registry.add<PrefillFilter>();
  registry.add<PrefixCacheAffinityFilter>();
  registry.add<SessionAffinityFilter>({.stability = kAlpha});
  registry.add<SessionAffinityFilter>(
      {.type = "multicluster-session-affinity-filter", .stability = kAlpha});
  registry.add<SloHeadroomTierFilter>();
  registry.add<TopologyAffinityFilter>({.stability = kAlpha});
  registry.add<UtilizationFilter>({.stability = kAlpha});
}

void add_scorers(Registry& registry) {
  registry.add<ActiveRequestScorer>();
  registry.add<ContextLengthAware>();
  registry.add<EncoderCacheScorer>();
  registry.add<EndpointAttributeScorer>({.stability = kAlpha});
  registry.add<HeaderLabelAffinityScorer>({.stability = kAlpha});
  registry.add<KvCacheUtilizationScorer>();
  registry.add<LatencyScorer>();
  registry.add<LoadAwareScorer>();
  registry.add<LoraAffinityScorer>();
  registry.add<MulticlusterKvCacheScorer>({.stability = kAlpha});
  registry.add<MulticlusterQueueScorer>({.stability = kAlpha});
  registry.add<NoHitLruScorer>();
  registry.add<PrecisePrefixCacheScorer>();
  registry.add<PrefixCacheScorer>();
  registry.add<PrefixCacheScorer>(
      {.type = "multicluster-prefix-cache-scorer", .stability = kAlpha});
  registry.add<QueueScorer>();
  registry.add<RunningRequestsScorer>();
  registry.add<SessionAffinityScorer>({.stability = kAlpha});
  registry.add<TokenLoadScorer>();
  registry.add<TopologyAffinityScorer>({.stability = kAlpha});
}

void add_producers(Registry& registry) {
  registry.add<ApproxPrefixProducer>(
      {.default_for = {{"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"}}});
  registry.add<ApproxPrefixProducer>(
      {.type = "multicluster-approx-prefix-cache-producer", .stability = kAlpha});
  registry.add<BurstPrefixProducer>({.stability = kAlpha});
  registry.add<EncoderCacheProducer>(
      {.default_for = {{"MultiModalEncoderCacheMatchInfoKey", "mm-embeddings-cache-producer"}}});
  registry.add<InflightLoadProducer>(
      {.default_for = {{"InFlightLoadDataKey", "inflight-load-producer"},
                       {"UncachedRequestTokensDataKey", "inflight-load-producer"}}});
  registry.add<P2pSourceProducer>({.stability = kAlpha});
  registry.add<SessionIdProducer>({.default_for = {{"SessionIDDataKey", "session-id-producer"}}});
  registry.add<TokenProducer>({.default_for = {{"TokenizedPrompt", "token-producer"}}});
  registry.add<TopologyExtractor>({.stability = kAlpha});
}

// Profile handlers, and what goes with those of disaggregated serving.
void add_handlers(Registry& registry) {
  registry.add<AlwaysDisaggregateDecider>();
  registry.add<DataParallelProfileHandler>();
  registry.add<DisaggHeadersHandler>({.deprecated = kUseDisaggHandler});
  registry.add<DisaggHeadersHandler>(
      {.type = DisaggHeadersHandler::kOldType, .deprecated = kUseDisaggHandler});
  registry.add<DisaggProfileHandler>();
  registry.add<HeaderProfileHandler>({.stability = kAlpha});
  registry.add<MultimodalDecider>();
  registry.add<PdProfileHandler>(
      {.deprecated = Deprecation{"v0.7.0", "v0.9.0", "disagg-profile-handler"}});
  registry.add<PrefixDecider>();
  registry.add<SingleProfileHandler>();
}

// What looks at requests before and after their decision.
void add_request_control(Registry& registry) {
  registry.add<AgentIdentity>({.stability = kAlpha});
  registry.add<DisaggregatedSetRollout>({.stability = kAlpha});
  registry.add<LatencySloAdmitter>();
  registry.add<ProbabilisticAdmitter>();
  registry.add<RequestAttributeReporter>();
  registry.add<ServedVerifier>();
}

}  // namespace

Registry builtin_plugins() {
  Registry registry;
  add_filters(registry);
  add_scorers(registry);
  add_producers(registry);
  add_handlers(registry);
  add_request_control(registry);

  // Pickers
  registry.add<MaxScorePicker>();
  registry.add<RandomPicker>();
  registry.add<WeightedRandomPicker>();

  // Parsers
  registry.add<AnthropicParser>();
  registry.add<OpenAiParser>();
  registry.add<PassthroughParser>();
  registry.add<SglangHttpParser>();
  registry.add<VertexAiParser>();
  registry.add<VllmGrpcParser>();
  registry.add<VllmHttpParser>();

  // Admission
  registry.add<FcfsOrdering>();
  registry.add<GlobalStrictFairness>();
  registry.add<StaticUsageLimit>();
  registry.add<UtilizationDetector>();

  // Data layer
  registry.add<CoreMetricsExtractor>();
  registry.add<FileDiscovery>();
  registry.add<MetricsDataSource>();

  return registry;
}

LoadOptions builtin_load_options() {
  LoadOptions options;
  options.renames = builtin_renames();
  return options;
}

AssemblyOptions builtin_options(bool allow_experimental_plugins) {
  return {.allow_experimental_plugins = allow_experimental_plugins,
          .legacy_vllmhttp_parser = make_vllmhttp_with_openai_paths,
          .known_types = known_types()};
}

}  // namespace pointsman
