#include "pointsman/sim/engine_metrics.h"

#include <array>
#include <utility>

namespace pointsman {
namespace {

double seconds(ModelTime time) {
  return std::chrono::duration<double>(time).count();
}

// Bounds of the histograms (spec/09 section 10).
std::vector<double> first_token_bounds() {
  return {.001, .005, .01, .02, .04, .06, .08, .1, .25, .5,  .75,
          1,    2.5,  5,   7.5, 10,  20,  40,  80, 160, 640, 2560};
}
std::vector<double> per_token_bounds() {
  return {.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80};
}
std::vector<double> latency_bounds() {
  return {.3, .5, .8, 1,  1.5, 2,   2.5, 5,   10,   15,  20,
          30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680};
}
std::vector<double> token_bounds() {
  return {1,    2,    5,    10,    20,    50,    100,    200,    500,
          1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000};
}
std::vector<double> iteration_bounds() {
  return {1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};
}

}  // namespace

EngineMetrics::EngineMetrics(const Labels& labels)
    : labels_(R"(engine="0",model_name=")" + labels.model + "\""), max_loras_(labels.max_loras) {
  lay_out_runtime();
  lay_out_gauges(labels);
  lay_out_counters();
  lay_out_histograms();
  lay_out_web_framework();
  loras("", "", 0);
}

void EngineMetrics::first_token(std::uint32_t prompt_tokens, std::uint32_t cached_tokens,
                                ModelTime waited) {
  *prefix_queries_ += prompt_tokens;
  *prefix_hits_ += cached_tokens;
  *prompt_tokens_ += prompt_tokens;
  ++*generation_tokens_;
  time_to_first_token_.observe(seconds(waited));
}

void EngineMetrics::next_token(ModelTime waited) {
  ++*generation_tokens_;
  inter_token_latency_.observe(seconds(waited));
}

void EngineMetrics::finished(const FinishedRequest& request) {
  ++*finished_[static_cast<std::size_t>(request.finish)];
  if (request.finish != Finish::stop && request.finish != Finish::length) return;
  const double gaps = request.output_tokens > 1 ? request.output_tokens - 1 : 1;
  time_per_output_token_.observe(seconds(request.last_token - request.first_token) / gaps);
  end_to_end_.observe(seconds(request.last_token - request.arrived));
  queue_.observe(seconds(request.admitted - request.arrived));
  inference_.observe(seconds(request.last_token - request.admitted));
  prefill_.observe(seconds(request.first_token - request.admitted));
  decode_.observe(seconds(request.last_token - request.first_token));
  request_prompt_.observe(request.prompt_tokens);
  request_generation_.observe(request.output_tokens);
}

void EngineMetrics::loras(std::string_view running, std::string_view waiting, double now) {
  lora_line_->assign("vllm:lora_requests_info{max_lora=\"")
      .append(std::to_string(max_loras_))
      .append("\",running_lora_adapters=\"")
      .append(running)
      .append("\",waiting_lora_adapters=\"")
      .append(waiting)
      .append("\"} ")
      .append(std::to_string(now))
      .append("\n");
}

std::string_view EngineMetrics::page(const ModelLoad& load) {
  *running_ = load.running;
  *waiting_ = load.waiting;
  *kv_usage_ = load.kv_usage;
  return page_.text();
}

void EngineMetrics::lay_out_runtime() {
  for (const std::string_view name :
       {"objects_collected", "objects_uncollectable", "collections"}) {
    const std::string full = "python_gc_" + std::string(name) + "_total";
    page_.family(full, "counter", "Garbage collection of the interpreter");
    for (const char* generation : {"0", "1", "2"}) {
      page_.sample(full, "generation=\"" + std::string(generation) + "\"", 1234);
    }
  }
  page_.family("python_info", "gauge", "Python platform information");
  page_.sample("python_info",
               R"(implementation="CPython",major="3",minor="12",patchlevel="11",version="3.12.11")",
               1);
  constexpr std::array<std::pair<std::string_view, double>, 6> kProcess = {{
      {"process_virtual_memory_bytes", 1.5892480e10},
      {"process_resident_memory_bytes", 1.214464e9},
      {"process_start_time_seconds", 1.76e9},
      {"process_cpu_seconds_total", 119.27},
      {"process_open_fds", 61},
      {"process_max_fds", 1048576},
  }};
  for (const auto& [name, value] : kProcess) {
    page_.gauge(name, "", "State of the server's process") = value;
  }
}

void EngineMetrics::lay_out_gauges(const Labels& labels) {
  running_ = &page_.gauge("vllm:num_requests_running", labels_,
                          "Number of requests in model execution batches.");
  waiting_ = &page_.gauge("vllm:num_requests_waiting", labels_,
                          "Number of requests waiting to be processed.");
  page_.family("vllm:engine_sleep_state", "gauge", "Engine sleep state; awake = 1.");
  for (const std::string_view state : {"awake", "weights_offloaded", "discard_all"}) {
    page_.sample("vllm:engine_sleep_state", labels_ + ",sleep_state=\"" + std::string(state) + "\"",
                 state == "awake" ? 1 : 0);
  }
  kv_usage_ = &page_.gauge("vllm:kv_cache_usage_perc", labels_,
                           "KV-cache usage. 1 means 100 percent usage.");
  page_.family("vllm:cache_config_info", "gauge", "Information of the LLMEngine CacheConfig");
  page_.sample("vllm:cache_config_info",
               "block_size=\"" + std::to_string(labels.block_size) +
                   R"(",cache_dtype="auto",calculate_kv_scales="False",cpu_offload_gb="0",)"
                   R"(enable_prefix_caching="True",engine="0",gpu_memory_utilization="0.9",)"
                   R"(is_attention_free="False",kv_cache_memory_bytes="None",)"
                   R"(mamba_cache_dtype="auto",num_cpu_blocks="None",num_gpu_blocks=")" +
                   std::to_string(labels.blocks) +
                   R"(",num_gpu_blocks_override="None",prefix_caching_hash_algo="sha256",)"
                   R"(sliding_window="None",swap_space="4")",
               1);
  page_.family("vllm:lora_requests_info", "gauge", "Running stats on lora requests.");
  lora_line_ = &page_.line();
}

void EngineMetrics::lay_out_counters() {
  prefix_queries_ = &page_.counter("vllm:prefix_cache_queries", labels_,
                                   "Prefix cache queries, in terms of number of queried tokens.");
  prefix_hits_ = &page_.counter("vllm:prefix_cache_hits", labels_,
                                "Prefix cache hits, in terms of number of cached tokens.");
  for (const char* name : {"external_prefix_cache_queries", "external_prefix_cache_hits",
                           "mm_cache_queries", "mm_cache_hits", "num_preemptions"}) {
    page_.counter("vllm:" + std::string(name), labels_, "Cumulative count since the start.");
  }
  prompt_tokens_ =
      &page_.counter("vllm:prompt_tokens", labels_, "Number of prefill tokens processed.");
  generation_tokens_ =
      &page_.counter("vllm:generation_tokens", labels_, "Number of generation tokens processed.");
  page_.family("vllm:request_success_total", "counter",
               "Count of successfully processed requests.");
  for (const std::string_view reason : {"stop", "length", "abort", "error"}) {
    finished_.push_back(&page_.sample("vllm:request_success_total",
                                      R"(engine="0",finished_reason=")" + std::string(reason) +
                                          "\"" + labels_.substr(labels_.find(','))));
  }
}

void EngineMetrics::lay_out_histograms() {
  const auto add = [this](std::string_view name, std::string_view help,
                          std::vector<double> bounds) {
    return page_.histogram("vllm:" + std::string(name), labels_, help, std::move(bounds));
  };
  request_prompt_ =
      add("request_prompt_tokens", "Number of prefill tokens processed.", token_bounds());
  request_generation_ =
      add("request_generation_tokens", "Number of generation tokens processed.", token_bounds());
  add("iteration_tokens_total", "Histogram of number of tokens per engine_step.",
      iteration_bounds());
  add("request_max_num_generation_tokens", "Maximum number of requested generation tokens.",
      token_bounds());
  add("request_params_n", "Histogram of the n request parameter.", {1, 2, 5, 10, 20});
  add("request_params_max_tokens", "Histogram of the max_tokens request parameter.",
      token_bounds());
  time_to_first_token_ = add("time_to_first_token_seconds",
                             "Histogram of time to first token in seconds.", first_token_bounds());
  inter_token_latency_ = add("inter_token_latency_seconds",
                             "Histogram of inter-token latency in seconds.", per_token_bounds());
  time_per_output_token_ =
      add("request_time_per_output_token_seconds",
          "Histogram of time_per_output_token_seconds per request.", per_token_bounds());
  end_to_end_ = add("e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.",
                    latency_bounds());
  queue_ = add("request_queue_time_seconds", "Histogram of time spent in WAITING phase.",
               latency_bounds());
  inference_ = add("request_inference_time_seconds", "Histogram of time spent in RUNNING phase.",
                   latency_bounds());
  prefill_ = add("request_prefill_time_seconds", "Histogram of time spent in PREFILL phase.",
                 latency_bounds());
  decode_ = add("request_decode_time_seconds", "Histogram of time spent in DECODE phase.",
                latency_bounds());
  for (const char* name : {"lifetime", "idle_before_evict", "reuse_gap"}) {
    add("kv_block_" + std::string(name) + "_seconds", "Residency of KV cache blocks.",
        latency_bounds());
  }
  add("request_prefill_kv_computed_tokens", "New KV tokens computed during prefill.",
      token_bounds());
}

void EngineMetrics::lay_out_web_framework() {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kHandlers = {{
      {"/v1/chat/completions", "POST"},
      {"/v1/completions", "POST"},
      {"/v1/models", "GET"},
      {"/health", "GET"},
      {"/metrics", "GET"},
  }};
  const auto labels = [](std::string_view handler, std::string_view method) {
    return "handler=\"" + std::string(handler) + "\",method=\"" + std::string(method) + "\"";
  };
  for (const std::string_view name : {"http_request_size_bytes", "http_response_size_bytes"}) {
    page_.family(name, "summary", "Content length by handler.");
    for (const auto& [handler, method] : kHandlers) {
      page_.sample(std::string(name) + "_count", labels(handler, method), 17);
      page_.sample(std::string(name) + "_sum", labels(handler, method), 17'000);
    }
  }
  page_.histogram(
      "http_request_duration_highr_seconds", "", "Latency with many buckets.",
      {.01, .025, .05, .075, .1, .25, .5, .75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60});
  page_.family("http_request_duration_seconds", "histogram", "Latency by handler.");
  for (const auto& [handler, method] : kHandlers) {
    page_.histogram_series("http_request_duration_seconds", labels(handler, method), {.1, .5, 1});
  }
}

}  // namespace pointsman
