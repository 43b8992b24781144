#include "pointsman/fleet/engine_page.h"

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

using Names = std::vector<std::string>;

EnginePage page(const EngineParams& params) {
  auto mapping = EngineMapping::parse(params);
  EXPECT_TRUE(mapping.has_value()) << mapping.error().message;
  return EnginePage(std::make_shared<const EngineMapping>(*std::move(mapping)));
}

EnginePage builtin(std::string_view engine) {
  for (const EngineParams& params : builtin_engines()) {
    if (params.name == engine) return page(params);
  }
  ADD_FAILURE() << engine;
  return page({});
}

PageReading read(EnginePage& page, std::string_view text) {
  page.begin();
  EXPECT_TRUE(page.feed(text));
  return page.finish();
}

double load(const PageReading& reading, Load which) {
  return reading.loads[static_cast<std::size_t>(which)];
}

constexpr std::string_view kVllm =
    "# TYPE vllm:num_requests_waiting gauge\n"
    "vllm:num_requests_waiting{engine=\"0\",model_name=\"m\"} 7.0\n"
    "# TYPE vllm:num_requests_running gauge\n"
    "vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 3.0\n"
    "vllm:kv_cache_usage_perc{engine=\"0\",model_name=\"m\"} 0.55\n"
    "vllm:lora_requests_info{max_lora=\"4\",running_lora_adapters=\"a, b\","
    "waiting_lora_adapters=\"c\"} 1.7e+09\n"
    "vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"512\"} 1.0\n";

TEST(EnginePage, ReadsAllSignalsOfVllm) {
  EnginePage vllm = builtin("vllm");
  const PageReading reading = read(vllm, kVllm);
  EXPECT_EQ(load(reading, Load::waiting), 7);
  EXPECT_EQ(load(reading, Load::running), 3);
  EXPECT_EQ(load(reading, Load::kv_usage), 0.55);
  EXPECT_EQ(load(reading, Load::block_size), 16);
  EXPECT_EQ(load(reading, Load::num_blocks), 512);
  EXPECT_EQ(reading.adapters, PageReading::Adapters::changed);
  EXPECT_EQ(vllm.adapters().active, (Names{"a", "b"}));
  EXPECT_EQ(vllm.adapters().waiting, Names{"c"});
  EXPECT_EQ(vllm.adapters().room, 4U);
  EXPECT_EQ(reading.problems, 0U) << vllm.problem();
}

TEST(EnginePage, KnowsTheLabelNamesOfSglang) {
  EnginePage sglang = builtin("sglang");
  const PageReading reading =
      read(sglang, "sglang:cache_config_info{page_size=\"64\",num_pages=\"11147\"} 1\n");
  EXPECT_EQ(load(reading, Load::block_size), 64);
  EXPECT_EQ(load(reading, Load::num_blocks), 11147);
}

TEST(EnginePage, ReadsOneMetricForSeveralSignalsByItsLabels) {
  EnginePage triton = builtin("triton-tensorrt-llm");
  const PageReading reading =
      read(triton,
           "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"tokens_per\",model=\"x\"} 64\n"
           "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"max\",model=\"x\"} 6239\n"
           "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"fraction\"} 0.42\n"
           "nv_trt_llm_request_metrics{request_type=\"waiting\"} 5\n");
  EXPECT_EQ(load(reading, Load::block_size), 64);
  EXPECT_EQ(load(reading, Load::num_blocks), 6239);
  EXPECT_EQ(load(reading, Load::kv_usage), 0.42);
  EXPECT_EQ(load(reading, Load::waiting), 5);
  EXPECT_EQ(reading.problems, 1U);
  EXPECT_EQ(triton.problem(),
            "no matching metric found for \"nv_trt_llm_request_metrics\" with labels "
            "{request_type=\"scheduled\"}");
}

TEST(EnginePage, TakesTheNewestSample) {
  EnginePage newest = page({.queued_requests_spec = "metric3"});
  EXPECT_EQ(load(read(newest, "metric3 5.0 3000\nmetric3 6.0 1000\n"), Load::waiting), 5);
  EXPECT_EQ(load(read(newest, "metric3 6.0 1000\nmetric3 5.0 3000\n"), Load::waiting), 5);
  EXPECT_EQ(load(read(newest, "metric3{engine=\"0\"} 1\nmetric3{engine=\"1\"} 2\n"), Load::waiting),
            1);
  EnginePage labelled = page({.queued_requests_spec = "metric2{labelA=A1}"});
  EXPECT_EQ(load(read(labelled, "metric2{labelA=\"A2\"} 4\nmetric2{labelA=\"A1\",b=\"c\"} 3.0\n"),
                 Load::waiting),
            3);
}

TEST(EnginePage, CutsCountsToWholeNumbers) {
  EnginePage q = page({.queued_requests_spec = "q"});
  EXPECT_EQ(load(read(q, "q 2.9\n"), Load::waiting), 2);
}

TEST(EnginePage, SaysOfEverySignalWhyItIsMissing) {
  EnginePage vllm = builtin("vllm");
  const PageReading reading = read(vllm,
                                   "# TYPE vllm:num_requests_waiting histogram\n"
                                   "vllm:num_requests_waiting 7\n"
                                   "vllm:num_requests_running NaN\n"
                                   "vllm:kv_cache_usage_perc{ 0.5\n");
  for (const Load which : {Load::waiting, Load::running, Load::kv_usage, Load::block_size}) {
    EXPECT_TRUE(std::isnan(load(reading, which)));
  }
  EXPECT_EQ(reading.adapters, PageReading::Adapters::not_told);
  EXPECT_EQ(reading.problems, 4U);
  EXPECT_EQ(vllm.problem(),
            "metric \"vllm:num_requests_waiting\" is no gauge or counter; "
            "metric \"vllm:num_requests_running\" has a value that is no number; "
            "malformed line of metric \"vllm:kv_cache_usage_perc\"; "
            "metric family \"vllm:cache_config_info\" not found");
}

TEST(EnginePage, ReadsUntypedMetrics) {
  EnginePage q = page({.queued_requests_spec = "q"});
  EXPECT_EQ(load(read(q, "# TYPE q untyped\nq 2\n"), Load::waiting), 2);
  EXPECT_EQ(load(read(q, "# TYPE q counter\nq 3\n"), Load::waiting), 3);
}

TEST(EnginePage, RemembersNothingOfThePageBefore) {
  EnginePage vllm = builtin("vllm");
  read(vllm, kVllm);
  const PageReading reading = read(vllm, "");
  EXPECT_TRUE(std::isnan(load(reading, Load::waiting)));
  EXPECT_EQ(reading.adapters, PageReading::Adapters::not_told);
}

TEST(EnginePage, TakesTheAdaptersThatChangedLast) {
  EnginePage vllm = builtin("vllm");
  read(vllm,
       "vllm:lora_requests_info{max_lora=\"2\",running_lora_adapters=\"lora1\"} 3000\n"
       "vllm:lora_requests_info{max_lora=\"4\",running_lora_adapters=\"lora2,lora3\"} 1000\n");
  EXPECT_EQ(vllm.adapters().active, Names{"lora1"});
  EXPECT_EQ(vllm.adapters().room, 2U);
}

TEST(EnginePage, SaysWhetherTheAdaptersAreTheSame) {
  const std::string_view one = "vllm:lora_requests_info{running_lora_adapters=\"a\"} 1\n";
  const std::string_view two = "vllm:lora_requests_info{running_lora_adapters=\"b\"} 2\n";
  EnginePage vllm = builtin("vllm");
  EXPECT_EQ(read(vllm, one).adapters, PageReading::Adapters::changed);
  EXPECT_EQ(read(vllm, one).adapters, PageReading::Adapters::same);
  EXPECT_EQ(read(vllm, "").adapters, PageReading::Adapters::not_told);
  EXPECT_EQ(read(vllm, one).adapters, PageReading::Adapters::same);
  EXPECT_EQ(read(vllm, two).adapters, PageReading::Adapters::changed);
}

TEST(EnginePage, KeepsTheRoomForAdaptersWhenItCannotReadIt) {
  EnginePage vllm = builtin("vllm");
  read(vllm, "vllm:lora_requests_info{max_lora=\"4\",running_lora_adapters=\"a\"} 1\n");
  read(vllm, "vllm:lora_requests_info{max_lora=\"x\",running_lora_adapters=\" b ,, b\"} 2\n");
  EXPECT_EQ(vllm.adapters().active, Names{"b"});
  EXPECT_EQ(vllm.adapters().room, 4U);
  EXPECT_TRUE(vllm.problem().contains("\"vllm:lora_requests_info\" has a value that is no number"));
}

TEST(EnginePage, KeepsABoundedNumberOfAdapters) {
  EnginePage vllm = builtin("vllm");
  std::string list;
  for (std::size_t i = 0; i < EnginePage::kMaxAdapters + 10; ++i) list += std::to_string(i) + ",";
  read(vllm, "vllm:lora_requests_info{running_lora_adapters=\"" + list + "\"} 1\n");
  EXPECT_EQ(vllm.adapters().active.size(), EnginePage::kMaxAdapters);
}

TEST(EnginePage, CountsALabelThatIsNoNumberAsAProblem) {
  EnginePage vllm = builtin("vllm");
  const PageReading reading =
      read(vllm, "vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"None\"} 1\n");
  EXPECT_EQ(load(reading, Load::block_size), 16);
  EXPECT_TRUE(std::isnan(load(reading, Load::num_blocks)));
  EXPECT_TRUE(vllm.problem().contains("\"vllm:cache_config_info\" has a value that is no number"));
}

TEST(EnginePage, RefusesAPageThatIsTooLong) {
  EnginePage vllm = builtin("vllm");
  vllm.begin();
  const std::string piece(std::size_t{1} << 20U, 'x');
  bool more = true;
  int pieces = 0;
  while (more && pieces < 20) {
    more = vllm.feed(piece);
    ++pieces;
  }
  EXPECT_EQ(pieces, 17);
}

TEST(EnginePage, ReadsCustomMetricsUnderTheirKeys) {
  EnginePage custom =
      page({.name = "x",
            .queued_requests_spec = "waiting",
            .custom_metrics = {{"temperature", "gpu_temp{gpu=0}"}, {"age", "age"}}});
  PageReading reading =
      read(custom, "gpu_temp{gpu=\"1\"} 90\ngpu_temp{gpu=\"0\"} 40.5\nwaiting 2\n");
  ASSERT_EQ(reading.attributes.size(), 2U);
  EXPECT_EQ(reading.attributes[0].key, "temperature/core-metrics-extractor");
  EXPECT_EQ(reading.attributes[0].value, 40.5);
  EXPECT_EQ(reading.attributes[1].key, "age/core-metrics-extractor");
  EXPECT_TRUE(std::isnan(reading.attributes[1].value));
  EXPECT_EQ(reading.problems, 1U);
  EXPECT_EQ(custom.problem(), "custom metric \"age\": metric family \"age\" not found");
  EXPECT_EQ(load(reading, Load::waiting), 2);
  reading = read(custom, "age 7\n");
  EXPECT_TRUE(std::isnan(reading.attributes[0].value));
  EXPECT_EQ(reading.attributes[1].value, 7);
}

}  // namespace
}  // namespace pointsman
