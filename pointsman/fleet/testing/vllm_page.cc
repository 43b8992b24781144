#include "pointsman/fleet/testing/vllm_page.h"

#include <string_view>

namespace pointsman::testing {
namespace {

constexpr std::string_view kLabels =
    "engine=\"0\",model_name=\"meta-llama/Llama-3.1-70B-Instruct\"";

void header(std::string& out, const std::string& name, std::string_view type) {
  out += "# HELP " + name + " What the model server says of " + name + ".\n";
  out.append("# TYPE " + name + " ").append(type).append("\n");
}

void line(std::string& out, const std::string& name, std::string_view more,
          std::string_view value) {
  out += name;
  out.append("{").append(kLabels).append(more).append("} ").append(value).append("\n");
}

void histogram(std::string& out, const std::string& name, int buckets) {
  header(out, name, "histogram");
  for (int i = 0; i < buckets; ++i) {
    line(out, name + "_bucket", ",le=\"" + std::to_string(i) + ".5\"",
         std::to_string(i * 31) + ".0");
  }
  line(out, name + "_bucket", ",le=\"+Inf\"", "12345.0");
  line(out, name + "_count", "", "12345.0");
  line(out, name + "_sum", "", "98765.4321");
  line(out, name + "_created", "", "1.7321e+09");
}

}  // namespace

std::string vllm_page() {
  std::string out;
  for (const char* name : {"python_gc_objects_collected_total", "process_open_fds"}) {
    header(out, name, "gauge");
    out.append(name).append(" 123.0\n");
  }
  header(out, "vllm:num_requests_running", "gauge");
  line(out, "vllm:num_requests_running", "", "3.0");
  header(out, "vllm:num_requests_waiting", "gauge");
  line(out, "vllm:num_requests_waiting", "", "7.0");
  header(out, "vllm:kv_cache_usage_perc", "gauge");
  line(out, "vllm:kv_cache_usage_perc", "", "0.55");
  header(out, "vllm:cache_config_info", "gauge");
  line(out, "vllm:cache_config_info",
       ",block_size=\"16\",cache_dtype=\"auto\",enable_prefix_caching=\"True\","
       "num_gpu_blocks=\"31250\",swap_space=\"4\"",
       "1.0");
  header(out, "vllm:lora_requests_info", "gauge");
  line(out, "vllm:lora_requests_info",
       ",max_lora=\"4\",running_lora_adapters=\"a,b\",waiting_lora_adapters=\"c\"", "1.7321e+09");
  for (const char* name :
       {"vllm:time_to_first_token_seconds", "vllm:inter_token_latency_seconds",
        "vllm:request_time_per_output_token_seconds", "vllm:e2e_request_latency_seconds",
        "vllm:request_queue_time_seconds", "vllm:request_inference_time_seconds",
        "vllm:request_prefill_time_seconds", "vllm:request_decode_time_seconds",
        "vllm:request_prompt_tokens", "vllm:request_generation_tokens",
        "vllm:request_params_max_tokens", "vllm:request_max_num_generation_tokens",
        "vllm:iteration_tokens_total", "vllm:request_params_n",
        "vllm:request_prefill_kv_computed_tokens"}) {
    histogram(out, name, 25);
  }
  for (const char* name :
       {"vllm:prompt_tokens_total", "vllm:generation_tokens_total", "vllm:num_preemptions_total",
        "vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total"}) {
    header(out, name, "counter");
    line(out, name, "", "1.234567e+06");
  }
  return out;
}

}  // namespace pointsman::testing
