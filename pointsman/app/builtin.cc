#include "pointsman/app/builtin.h"

#include "pointsman/fleet/core_metrics_extractor.h"
#include "pointsman/fleet/file_discovery.h"
#include "pointsman/fleet/metrics_data_source.h"
#include "pointsman/plugins/filters/label_selector.h"
#include "pointsman/plugins/handlers/single_profile.h"
#include "pointsman/plugins/parsers/anthropic.h"
#include "pointsman/plugins/parsers/openai.h"
#include "pointsman/plugins/parsers/passthrough.h"
#include "pointsman/plugins/parsers/vllm_http.h"
#include "pointsman/plugins/pickers/pickers.h"
#include "pointsman/plugins/policies/flow_policies.h"
#include "pointsman/plugins/producers/approx_prefix.h"
#include "pointsman/plugins/producers/token_producer.h"
#include "pointsman/plugins/saturation/utilization_detector.h"
#include "pointsman/plugins/scorers/load_scorers.h"
#include "pointsman/plugins/scorers/lora_affinity.h"
#include "pointsman/plugins/scorers/prefix_cache.h"

namespace pointsman {

Registry builtin_plugins() {
  Registry registry;

  // Filters
  registry.add<LabelSelectorFilter>();

  // Scorers
  registry.add<KvCacheUtilizationScorer>();
  registry.add<LoraAffinityScorer>();
  registry.add<PrefixCacheScorer>();
  registry.add<QueueScorer>();
  registry.add<RunningRequestsScorer>();

  // Pickers
  registry.add<MaxScorePicker>();
  registry.add<RandomPicker>();
  registry.add<WeightedRandomPicker>();

  // Profile handlers
  registry.add<SingleProfileHandler>();

  // Producers
  registry.add<ApproxPrefixProducer>(
      {.default_for = {{"PrefixCacheMatchInfoDataKey", "approx-prefix-cache-producer"}}});
  registry.add<TokenProducer>({.default_for = {{"TokenizedPrompt", "token-producer"}}});

  // Parsers
  registry.add<AnthropicParser>();
  registry.add<OpenAiParser>();
  registry.add<PassthroughParser>();
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

AssemblyOptions builtin_options(bool allow_experimental_plugins) {
  return {.allow_experimental_plugins = allow_experimental_plugins,
          .legacy_vllmhttp_parser = make_vllmhttp_with_openai_paths};
}

}  // namespace pointsman
