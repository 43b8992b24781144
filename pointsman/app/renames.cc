#include "pointsman/app/renames.h"

#include <array>
#include <string_view>

#include "pointsman/app/rename_actions.h"

namespace pointsman {
namespace {

using Action = Rename::Action;

constexpr std::string_view kScorersInstead =
    "write queue-scorer, kv-cache-utilization-scorer and lora-affinity-scorer with weights instead "
    "of a tree of filters";
constexpr std::string_view kPreciseInstead =
    "write precise-prefix-cache-producer with these parameters, token-producer with vllm.url, and "
    "prefix-cache-scorer with prefixMatchInfoProducerName: precise-prefix-cache-producer";
constexpr std::string_view kRemoteTokenizer =
    "no tokenizer runs in this process: write token-producer with vllm.url and "
    "precise-prefix-cache-producer";

constexpr auto kRows = std::to_array<Rename>({
    {"type kv-cache-scorer", "kv-cache-utilization-scorer", Action::translate, change_type,
     "kv-cache-scorer", "kv-cache-utilization-scorer"},
    {"prefix-cache-scorer with parameters of its index",
     "the same parameters of approx-prefix-cache-producer", Action::translate, move_index},
    {"prefix-cache-scorer with mode: cache_tracking", kPreciseInstead, Action::refuse,
     refuse_parameter, "mode", "", "prefix-cache-scorer"},
    {"prefix-cache-scorer with indexerConfig", kPreciseInstead, Action::refuse, refuse_parameter,
     "indexerConfig", "", "prefix-cache-scorer"},
    {"prefix-cache-scorer with tokenProcessorConfig", kPreciseInstead, Action::refuse,
     refuse_parameter, "tokenProcessorConfig", "", "prefix-cache-scorer"},
    {"prefix-cache-scorer with kvBlockIndexConfig", kPreciseInstead, Action::refuse,
     refuse_parameter, "kvBlockIndexConfig", "", "prefix-cache-scorer"},
    {"type low-queue-filter", kScorersInstead, Action::refuse, gone, "low-queue-filter"},
    {"type lora-affinity-filter", kScorersInstead, Action::refuse, gone, "lora-affinity-filter"},
    {"type least-queue-filter", kScorersInstead, Action::refuse, gone, "least-queue-filter"},
    {"type least-kv-cache-filter", kScorersInstead, Action::refuse, gone, "least-kv-cache-filter"},
    {"type decision-tree-filter", kScorersInstead, Action::refuse, gone, "decision-tree-filter"},
    {"pd-profile-handler with a threshold or without a decider",
     "a decider plugin and deciderPluginName", Action::translate, declare_decider},
    {"type pd-profile-handler", "disagg-profile-handler", Action::accept, nullptr,
     "pd-profile-handler"},
    {"type prefill-header-handler", "disagg-profile-handler", Action::accept, nullptr,
     "prefill-header-handler"},
    {"type disagg-headers-handler", "disagg-profile-handler", Action::accept, nullptr,
     "disagg-headers-handler"},
    {"type by-label", "label-selector-filter", Action::accept, nullptr, "by-label"},
    {"type by-label-selector", "label-selector-filter", Action::accept, nullptr,
     "by-label-selector"},
    {"feature gate prepareDataPlugins", "nothing: it is always on", Action::translate, drop_gate,
     "prepareDataPlugins"},
    {"feature gate dataLayer", "nothing: it is always on", Action::translate, drop_gate,
     "dataLayer"},
    {"feature gate enableLegacyMetrics", "nothing: it has no effect", Action::translate, drop_gate,
     "enableLegacyMetrics"},
    {"section data", "dataLayer", Action::translate, rename_data, "data", "dataLayer"},
    {"type model-server-protocol-metrics", "core-metrics-extractor", Action::translate, change_type,
     "model-server-protocol-metrics", "core-metrics-extractor"},
    {"saturationDetector with thresholds", "parameters of the plugin utilization-detector",
     Action::translate, name_detector},
    {"section saturationDetector", "flowControl.saturationDetector", Action::translate,
     move_detector},
    {"type predicted-latency-scorer", "predicted-latency-producer and latency-scorer",
     Action::translate, split_latency},
    {"tokenizersPoolConfig.hf", kRemoteTokenizer, Action::refuse, refuse_tokenizer_field, "hf", "",
     "pool"},
    {"tokenizersPoolConfig.local", kRemoteTokenizer, Action::refuse, refuse_tokenizer_field,
     "local", "", "pool"},
    {"tokenizersPoolConfig.tokenizersCacheDir", kRemoteTokenizer, Action::refuse,
     refuse_tokenizer_field, "tokenizersCacheDir", "", "pool"},
    {"indexerConfig.tokenProcessorConfig", kRemoteTokenizer, Action::refuse, refuse_tokenizer_field,
     "tokenProcessorConfig", "", "indexer"},
    {"token-producer parameter http", "vllm with its url", Action::translate, rename_render_url},
    {"type tokenizer", "token-producer", Action::accept, nullptr, "tokenizer"},
    {"maxTokensInFlightPenalty", "peakPrefillThroughput and maxTTFTPenaltyMs", Action::translate,
     time_penalty},
    {"type precise-prefix-cache-scorer", "precise-prefix-cache-producer and prefix-cache-scorer",
     Action::accept, nullptr, "precise-prefix-cache-scorer"},
    {"cacheSizeInMB", "cacheSizeInMBPerServer", Action::translate, rename_parameter,
     "cacheSizeInMB", "cacheSizeInMBPerServer", "mm-embeddings-cache-producer"},
    {"dataLayer.discovery.pluginRef in llm-d.ai/v1", "dataLayer.discovery.endpoints.pluginRef",
     Action::translate, move_discovery},
    {"dataLayer.crossReplicaSyncerPluginRef in llm-d.ai/v1",
     "dataLayer.crossReplica.syncerPluginRef", Action::translate, move_replica_field,
     "crossReplicaSyncerPluginRef", "syncerPluginRef"},
    {"dataLayer.crossReplicaSyncInterval in llm-d.ai/v1", "dataLayer.crossReplica.syncInterval",
     Action::translate, move_replica_field, "crossReplicaSyncInterval", "syncInterval"},
    {"dataLayer.crossReplicaPublishTimeout in llm-d.ai/v1", "dataLayer.crossReplica.publishTimeout",
     Action::translate, move_replica_field, "crossReplicaPublishTimeout", "publishTimeout"},
});

}  // namespace

std::span<const Rename> builtin_renames() {
  return kRows;
}

}  // namespace pointsman
