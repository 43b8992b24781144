#include "pointsman/fleet/core_metrics_extractor.h"

#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/fleet/engine_page.h"

namespace pointsman {
namespace {

Result<EngineMappings> mappings(const CoreMetricsParams& params) {
  return EngineMappings::make(params.engine_label_key, params.default_engine,
                              params.engine_configs);
}

EngineMappings checked_mappings(const CoreMetricsParams& params) {
  auto made = mappings(params);
  if (!made) bug("parameters that were not checked");
  return *std::move(made);
}

}  // namespace

Result<void> CoreMetricsParams::check(const CoreMetricsParams& params) {
  if (auto made = mappings(params); !made) return std::unexpected(std::move(made).error());
  return {};
}

// The keys carry the type as their producer, whatever the instance is called (spec/04 section 5.6).
CoreMetricsExtractor::CoreMetricsExtractor(const CoreMetricsParams& params, Setup& setup)
    : mappings_(checked_mappings(params)) {
  for (const char* const key : {"WaitingQueueSize", "RunningRequestsSize", "KVCacheUsagePercent",
                                "ActiveModels", "WaitingModels"}) {
    setup.writes_load({key, std::string(kType)});
  }
  for (std::string& key : mappings_.custom_keys()) {
    setup.writes_load({std::move(key), std::string(kType)});
  }
}

std::unique_ptr<PageReader> CoreMetricsExtractor::reader(const Endpoint& endpoint) const {
  return std::make_unique<EnginePage>(mappings_.of(endpoint));
}

}  // namespace pointsman
