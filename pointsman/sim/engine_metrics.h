#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/sim/metrics_page.h"
#include "pointsman/sim/server_model.h"

namespace pointsman {

// Why a request left the engine: `finished_reason` of vllm:request_success_total.
enum class Finish : std::uint8_t { stop, length, abort, error };

// What one finished request adds to the histograms. Times are model time, tokens wire tokens.
struct FinishedRequest {
  Finish finish = Finish::stop;
  std::uint32_t prompt_tokens = 0;
  std::uint32_t output_tokens = 0;
  ModelTime arrived{};
  ModelTime admitted{};
  ModelTime first_token{};
  ModelTime last_token{};
};

// The metrics of one simulated engine, with the names, labels and page size (about 55 kB) of vLLM.
// Not all of its families move: those of the Python runtime and the web framework are there because
// a scraper has to skip them.
class EngineMetrics {
 public:
  struct Labels {
    std::string model;
    std::uint32_t block_size = 0;  // wire tokens
    std::uint32_t blocks = 0;
    std::uint32_t max_loras = 0;
  };

  explicit EngineMetrics(const Labels& labels);

  void first_token(std::uint32_t prompt_tokens, std::uint32_t cached_tokens, ModelTime waited);
  void next_token(ModelTime waited);
  void finished(const FinishedRequest& request);
  // Adapters with requests that run, and those whose requests all wait; `now` in Unix seconds.
  void loras(std::string_view running, std::string_view waiting, double now);

  // The page. Valid until the next call.
  std::string_view page(const ModelLoad& load);

 private:
  using Value = MetricsPage::Value;
  using Histogram = MetricsPage::Histogram;

  MetricsPage page_;
  std::string labels_;  // of most samples
  std::uint32_t max_loras_;
  std::string* lora_line_ = nullptr;
  Value* running_ = nullptr;
  Value* waiting_ = nullptr;
  Value* kv_usage_ = nullptr;
  Value* prefix_queries_ = nullptr;
  Value* prefix_hits_ = nullptr;
  Value* prompt_tokens_ = nullptr;
  Value* generation_tokens_ = nullptr;
  std::vector<Value*> finished_;  // by Finish
  Histogram time_to_first_token_;
  Histogram inter_token_latency_;
  Histogram time_per_output_token_;
  Histogram end_to_end_;
  Histogram queue_;
  Histogram inference_;
  Histogram prefill_;
  Histogram decode_;
  Histogram request_prompt_;
  Histogram request_generation_;

  void lay_out_runtime();
  void lay_out_gauges(const Labels& labels);
  void lay_out_counters();
  void lay_out_histograms();
  void lay_out_web_framework();
};

}  // namespace pointsman
