#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "pointsman/base/result.h"
#include "pointsman/config/params.h"
#include "pointsman/fleet/metric_spec.h"
#include "pointsman/model/endpoint.h"

namespace pointsman {

// A metric that is none of the core ones, kept under a key of its own.
struct CustomMetricParams {
  std::string attribute_key;
  std::string metric_spec;

  static constexpr auto fields() {
    using P = CustomMetricParams;
    return std::tuple{
        field("attributeKey", &P::attribute_key, "The key under which plugins find the value."),
        field("metricSpec", &P::metric_spec, "The metric: name, or name{label=value,...}."),
    };
  }
};

// How one kind of model server names its metrics, as the operator writes it. An empty
// specification: the server has no such metric.
struct EngineParams {
  std::string name;
  std::string queued_requests_spec;
  std::string running_requests_spec;
  std::string kv_usage_spec;
  std::string lora_spec;
  std::string cache_info_spec;
  std::string cache_block_size_label_name = "block_size";
  std::string cache_num_blocks_label_name = "num_gpu_blocks";
  std::string cache_block_size_spec;
  std::string cache_num_blocks_spec;
  std::vector<CustomMetricParams> custom_metrics;

  static constexpr auto fields() {
    using P = EngineParams;
    return std::tuple{
        field("name", &P::name, "Value of the endpoint's engine label."),
        field("queuedRequestsSpec", &P::queued_requests_spec, "Requests that wait."),
        field("runningRequestsSpec", &P::running_requests_spec, "Requests being computed."),
        field("kvUsageSpec", &P::kv_usage_spec, "Share of the KV cache in use, 0 to 1."),
        field("loraSpec", &P::lora_spec, "LoRA adapters, in labels; the value is a time."),
        field("cacheInfoSpec", &P::cache_info_spec, "Shape of the KV cache, in labels."),
        field("cacheBlockSizeLabelName", &P::cache_block_size_label_name,
              "Label of cacheInfoSpec with the tokens per block."),
        field("cacheNumBlocksLabelName", &P::cache_num_blocks_label_name,
              "Label of cacheInfoSpec with the number of blocks."),
        field("cacheBlockSizeSpec", &P::cache_block_size_spec, "Tokens per block, as a value."),
        field("cacheNumBlocksSpec", &P::cache_num_blocks_spec, "Number of blocks, as a value."),
        field("customMetrics", &P::custom_metrics, "Further metrics."),
    };
  }
};

// The same, understood. An absent specification: nothing to look for.
struct EngineMapping {
  struct Custom {
    std::string key;
    MetricSpec spec;
  };

  std::string name;
  std::optional<MetricSpec> waiting;
  std::optional<MetricSpec> running;
  std::optional<MetricSpec> kv_usage;
  std::optional<MetricSpec> adapters;
  std::optional<MetricSpec> cache_info;
  std::string block_size_label;
  std::string num_blocks_label;
  std::optional<MetricSpec> block_size;
  std::optional<MetricSpec> num_blocks;
  std::vector<Custom> custom;

  // Errors: every problem of the engine, one a line, after
  // `failed to create mapping for engine "<name>": `.
  static Result<EngineMapping> parse(const EngineParams& params);
};

// The mapping of every kind of model server: those of the operator, and the built-in ones that the
// operator does not name (spec/04 section 5.2). Immutable.
class EngineMappings {
 public:
  static Result<EngineMappings> make(std::string label_key, const std::string& default_engine,
                                     std::span<const EngineParams> engines);

  // The mapping for the engine that the endpoint's labels name; the default engine's when they
  // name none or an unknown one.
  const std::shared_ptr<const EngineMapping>& of(const Endpoint& endpoint) const;

  // The keys of all custom metrics, each once, sorted.
  std::vector<std::string> custom_keys() const;

 private:
  std::string label_key_;
  std::map<std::string, std::shared_ptr<const EngineMapping>, std::less<>> by_name_;
  std::shared_ptr<const EngineMapping> default_;
};

// The built-in engines.
std::vector<EngineParams> builtin_engines();

}  // namespace pointsman
