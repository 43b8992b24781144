#include "pointsman/sim/engine_metrics.h"

#include <string>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kLabels = R"({engine="0",model_name="m"} )";

EngineMetrics metrics() {
  return EngineMetrics({.model = "m", .block_size = 64, .blocks = 2000, .max_loras = 4});
}

// Is `line` a whole line of the page?
::testing::AssertionResult has(std::string_view page, const std::string& line) {
  if (page.contains("\n" + line + "\n")) return ::testing::AssertionSuccess();
  const std::string name = line.substr(0, line.find_first_of("{ "));
  const std::size_t at = page.find("\n" + name);
  return ::testing::AssertionFailure()
         << line << " is not there, but " << page.substr(std::min(at, page.size()), 300);
}

std::string sample(std::string_view name, std::string_view value) {
  return std::string(name) + std::string(kLabels) + std::string(value);
}

TEST(EngineMetrics, ShowsTheGaugesOfTheModel) {
  auto engine = metrics();
  const auto page = engine.page({.waiting = 7, .running = 3, .kv_usage = 0.55});
  EXPECT_TRUE(has(page, sample("vllm:num_requests_waiting", "7.0")));
  EXPECT_TRUE(has(page, sample("vllm:num_requests_running", "3.0")));
  EXPECT_TRUE(has(page, sample("vllm:kv_cache_usage_perc", "0.55")));
}

TEST(EngineMetrics, SaysBlockSizeAndBlocks) {
  auto engine = metrics();
  const auto page = engine.page({});
  const std::size_t at = page.find("\nvllm:cache_config_info{block_size=\"64\",");
  ASSERT_NE(at, std::string_view::npos);
  const auto line = page.substr(at + 1, page.find('\n', at + 1) - at - 1);
  EXPECT_TRUE(line.contains(",num_gpu_blocks=\"2000\","));
  EXPECT_TRUE(line.ends_with("} 1.0"));
}

TEST(EngineMetrics, ListsAdapters) {
  auto engine = metrics();
  engine.loras("a,b", "c", 1760000000);
  EXPECT_TRUE(has(engine.page({}), R"(vllm:lora_requests_info{max_lora="4",)"
                                   R"(running_lora_adapters="a,b",waiting_lora_adapters="c"} )"
                                   "1760000000.000000"));
}

TEST(EngineMetrics, CountsTokensAndFillsHistograms) {
  auto engine = metrics();
  engine.first_token(100, 64, 300ms);
  engine.next_token(20ms);
  engine.finished({.finish = Finish::length,
                   .prompt_tokens = 100,
                   .output_tokens = 2,
                   .arrived = 1s,
                   .admitted = 1100ms,
                   .first_token = 1300ms,
                   .last_token = 1320ms});
  const auto page = engine.page({});
  EXPECT_TRUE(has(page, sample("vllm:prompt_tokens_total", "100.0")));
  EXPECT_TRUE(has(page, sample("vllm:generation_tokens_total", "2.0")));
  EXPECT_TRUE(has(page, sample("vllm:prefix_cache_queries_total", "100.0")));
  EXPECT_TRUE(has(page, sample("vllm:prefix_cache_hits_total", "64.0")));
  EXPECT_TRUE(has(page, R"(vllm:request_success_total{engine="0",finished_reason="length",)"
                        R"(model_name="m"} 1.0)"));
  const auto bucket = [](std::string_view name, std::string_view bound, std::string_view count) {
    return std::string(name) + R"(_bucket{engine="0",le=")" + std::string(bound) +
           R"(",model_name="m"} )" + std::string(count);
  };
  EXPECT_TRUE(has(page, bucket("vllm:time_to_first_token_seconds", "0.25", "0.0")));
  EXPECT_TRUE(has(page, bucket("vllm:time_to_first_token_seconds", "0.5", "1.0")));
  EXPECT_TRUE(has(page, bucket("vllm:time_to_first_token_seconds", "+Inf", "1.0")));
  EXPECT_TRUE(has(page, bucket("vllm:inter_token_latency_seconds", "0.025", "1.0")));
  EXPECT_TRUE(has(page, bucket("vllm:request_prompt_tokens", "100.0", "1.0")));
  EXPECT_TRUE(has(page, bucket("vllm:request_prompt_tokens", "50.0", "0.0")));
  EXPECT_TRUE(has(page, sample("vllm:time_to_first_token_seconds_sum", "0.3")));
  EXPECT_TRUE(has(page, sample("vllm:request_decode_time_seconds_sum", "0.02")));
  EXPECT_TRUE(has(page, sample("vllm:request_queue_time_seconds_sum", "0.1")));
}

TEST(EngineMetrics, LeavesAbortedRequestsOutOfTheHistograms) {
  auto engine = metrics();
  engine.finished({.finish = Finish::abort});
  const auto page = engine.page({});
  EXPECT_TRUE(has(page, R"(vllm:request_success_total{engine="0",finished_reason="abort",)"
                        R"(model_name="m"} 1.0)"));
  EXPECT_TRUE(has(page, sample("vllm:e2e_request_latency_seconds_count", "0.0")));
}

TEST(EngineMetrics, IsAsLongAsARealPage) {
  EngineMetrics engine({.model = "sim-model", .block_size = 64, .blocks = 2000});
  const auto page = engine.page({});
  EXPECT_GT(page.size(), 50'000U);
  EXPECT_LT(page.size(), 60'000U);
  EXPECT_TRUE(page.ends_with("\n"));
  EXPECT_FALSE(page.contains("\n\n"));
}

}  // namespace
}  // namespace pointsman
