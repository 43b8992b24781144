#include "pointsman/fleet/engine_mapping.h"

#include <set>
#include <utility>

namespace pointsman {
namespace {

constexpr std::string_view kLegacyLabel = "inference.networking.k8s.io/engine-type";
// Endpoints that name no engine belong to this one, which stands for the default engine.
constexpr std::string_view kDefault = "default";

// The specification, or nothing after its problem was appended to `problems`.
std::optional<MetricSpec> read(std::string_view text, std::string_view prefix,
                               std::vector<std::string>& problems) {
  auto spec = MetricSpec::parse(text);
  if (spec) return *std::move(spec);
  problems.push_back(std::string(prefix) + spec.error().message);
  return std::nullopt;
}

void read_custom(const EngineParams& params, EngineMapping& mapping,
                 std::vector<std::string>& problems) {
  std::set<std::string_view> keys;
  for (const CustomMetricParams& custom : params.custom_metrics) {
    const std::string& key = custom.attribute_key;
    if (key.empty()) {
      problems.emplace_back("custom metric attributeKey cannot be empty");
    } else if (!keys.insert(key).second) {
      problems.push_back("custom metric attributeKey \"" + key + "\" is duplicated");
    } else if (custom.metric_spec.empty()) {
      problems.push_back("custom metric \"" + key + "\" spec cannot be empty");
    } else if (auto spec = read(custom.metric_spec, "custom metric \"" + key + "\": ", problems)) {
      mapping.custom.push_back({key, *std::move(spec)});
    }
  }
}

std::string join(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) {
    if (!out.empty()) out += '\n';
    out += line;
  }
  return out;
}

}  // namespace

Result<EngineMapping> EngineMapping::parse(const EngineParams& params) {
  EngineMapping mapping;
  mapping.name = params.name;
  mapping.block_size_label = params.cache_block_size_label_name;
  mapping.num_blocks_label = params.cache_num_blocks_label_name;
  if (mapping.block_size_label.empty()) mapping.block_size_label = "block_size";
  if (mapping.num_blocks_label.empty()) mapping.num_blocks_label = "num_gpu_blocks";

  std::vector<std::string> problems;
  mapping.waiting = read(params.queued_requests_spec, "", problems);
  mapping.running = read(params.running_requests_spec, "", problems);
  mapping.kv_usage = read(params.kv_usage_spec, "", problems);
  mapping.adapters = read(params.lora_spec, "", problems);
  mapping.cache_info = read(params.cache_info_spec, "", problems);
  mapping.block_size = read(params.cache_block_size_spec, "", problems);
  mapping.num_blocks = read(params.cache_num_blocks_spec, "", problems);
  read_custom(params, mapping, problems);
  if (problems.empty()) return mapping;
  return fail(Code::invalid_config,
              "failed to create mapping for engine \"" + params.name + "\": " + join(problems));
}

Result<EngineMappings> EngineMappings::make(std::string label_key,
                                            const std::string& default_engine,
                                            std::span<const EngineParams> engines) {
  EngineMappings all;
  all.label_key_ = std::move(label_key);
  for (const EngineParams& engine : engines) {
    if (engine.name.empty()) {
      return fail(Code::invalid_config, "engine config name cannot be empty");
    }
    if (engine.name == kDefault) {
      return fail(Code::invalid_config, "engine config name cannot be \"default\" (reserved)");
    }
    POINTSMAN_TRY(mapping, EngineMapping::parse(engine));
    auto shared = std::make_shared<const EngineMapping>(std::move(mapping));
    if (!all.by_name_.emplace(engine.name, std::move(shared)).second) {
      return fail(Code::invalid_config,
                  "mapping for engine type \"" + engine.name + "\" already exists");
    }
  }
  for (const EngineParams& engine : builtin_engines()) {
    if (all.by_name_.contains(engine.name)) continue;
    POINTSMAN_TRY(mapping, EngineMapping::parse(engine));
    all.by_name_.emplace(engine.name, std::make_shared<const EngineMapping>(std::move(mapping)));
  }
  const auto found = all.by_name_.find(default_engine);
  if (found == all.by_name_.end()) {
    return fail(Code::invalid_config,
                "defaultEngine \"" + default_engine + "\" not found in engineConfigs");
  }
  all.default_ = found->second;
  return all;
}

const std::shared_ptr<const EngineMapping>& EngineMappings::of(const Endpoint& endpoint) const {
  const std::string* label = endpoint.label(label_key_);
  if (label == nullptr || label->empty()) label = endpoint.label(kLegacyLabel);
  if (label == nullptr) return default_;
  const auto found = by_name_.find(*label);
  return found == by_name_.end() ? default_ : found->second;
}

std::vector<std::string> EngineMappings::custom_keys() const {
  std::set<std::string> keys;
  for (const auto& [name, mapping] : by_name_) {
    for (const EngineMapping::Custom& custom : mapping->custom) keys.insert(custom.key);
  }
  return {keys.begin(), keys.end()};
}

std::vector<EngineParams> builtin_engines() {
  return {
      {.name = "vllm",
       .queued_requests_spec = "vllm:num_requests_waiting",
       .running_requests_spec = "vllm:num_requests_running",
       .kv_usage_spec = "vllm:kv_cache_usage_perc",
       .lora_spec = "vllm:lora_requests_info",
       .cache_info_spec = "vllm:cache_config_info"},
      {.name = "sglang",
       .queued_requests_spec = "sglang:num_queue_reqs",
       .running_requests_spec = "sglang:num_running_reqs",
       .kv_usage_spec = "sglang:token_usage",
       .cache_info_spec = "sglang:cache_config_info",
       .cache_block_size_label_name = "page_size",
       .cache_num_blocks_label_name = "num_pages"},
      {.name = "trtllm-serve",
       .queued_requests_spec = "trtllm_num_requests_waiting",
       .running_requests_spec = "trtllm_num_requests_running",
       .kv_usage_spec = "trtllm_kv_cache_utilization",
       .cache_block_size_spec = "trtllm_kv_cache_tokens_per_block",
       .cache_num_blocks_spec = "trtllm_kv_cache_max_blocks"},
      {.name = "triton-tensorrt-llm",
       .queued_requests_spec = "nv_trt_llm_request_metrics{request_type=waiting}",
       .running_requests_spec = "nv_trt_llm_request_metrics{request_type=scheduled}",
       .kv_usage_spec = "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=fraction}",
       .cache_block_size_spec = "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=tokens_per}",
       .cache_num_blocks_spec = "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=max}"},
      {.name = "triton",
       .queued_requests_spec = "nv_inference_pending_request_count",
       .running_requests_spec = "nv_inference_exec_count"},
  };
}

}  // namespace pointsman
