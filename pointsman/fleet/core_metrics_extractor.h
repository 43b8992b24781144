#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/config/params.h"
#include "pointsman/fleet/engine_mapping.h"
#include "pointsman/stage/datalayer.h"
#include "pointsman/stage/setup.h"

namespace pointsman {

struct CoreMetricsParams {
  std::string engine_label_key = "llm-d.ai/engine-type";
  std::string default_engine = "vllm";
  std::vector<EngineParams> engine_configs;

  static constexpr auto fields() {
    using P = CoreMetricsParams;
    return std::tuple{
        field("engineLabelKey", &P::engine_label_key, "Endpoint label that names the engine."),
        field("defaultEngine", &P::default_engine, "Engine of endpoints that name none."),
        field("engineConfigs", &P::engine_configs,
              "Metric names per engine; each replaces a built-in engine of its name wholly."),
    };
  }
  static Result<void> check(const CoreMetricsParams& params);
};

// Reads the load signals of model servers off their metrics pages, whatever engine they run.
// Custom metrics are checked and declared; their values are not kept, since nothing reads them.
class CoreMetricsExtractor final : public Extractor {
 public:
  using Params = CoreMetricsParams;
  static constexpr std::string_view kType = "core-metrics-extractor";
  static constexpr std::string_view kHelp =
      "Reads queue, running requests, KV cache use and LoRA adapters off metrics pages.";

  // REQUIRES: check(params) succeeds.
  CoreMetricsExtractor(const CoreMetricsParams& params, Setup& setup);

  std::unique_ptr<PageReader> reader(const Endpoint& endpoint) const override;

 private:
  EngineMappings mappings_;
};

}  // namespace pointsman
