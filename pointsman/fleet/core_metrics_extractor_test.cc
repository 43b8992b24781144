#include "pointsman/fleet/core_metrics_extractor.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/fleet/testing/make_plugin.h"
#include "pointsman/fleet/testing/vllm_page.h"

namespace pointsman {
namespace {

double waiting(const Extractor& extractor, std::vector<std::pair<std::string, std::string>> labels,
               std::string_view page) {
  Endpoint endpoint{.name = "e", .address = "10.0.0.1", .port = 80, .labels = std::move(labels)};
  endpoint.complete();
  const auto reader = extractor.reader(endpoint);
  reader->begin();
  reader->feed(page);
  return reader->finish().loads[static_cast<std::size_t>(Load::waiting)];
}

constexpr auto kPage = "vllm:num_requests_waiting 10\nsglang:num_queue_reqs 20\n";

TEST(CoreMetricsExtractor, ReadsThePagesOfEveryEngine) {
  const auto made = testing::make_plugin<CoreMetricsExtractor>("~");
  ASSERT_TRUE(made.has_value()) << made.error().message;
  ASSERT_NE(made->extractor, nullptr);
  constexpr auto kLabel = "llm-d.ai/engine-type";
  EXPECT_EQ(waiting(*made->extractor, {{kLabel, "vllm"}}, kPage), 10);
  EXPECT_EQ(waiting(*made->extractor, {{kLabel, "sglang"}}, kPage), 20);
  EXPECT_EQ(waiting(*made->extractor, {}, kPage), 10);
  EXPECT_EQ(waiting(*made->extractor, {}, testing::vllm_page()), 7);
}

TEST(CoreMetricsExtractor, ReadsWithTheNamesOfItsConfiguration) {
  const auto made = testing::make_plugin<CoreMetricsExtractor>(
      "{defaultEngine: mine, engineLabelKey: engine,"
      " engineConfigs: [{name: mine, queuedRequestsSpec: 'q{kind=a}'}]}");
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_EQ(waiting(*made->extractor, {}, "q{kind=\"b\"} 1\nq{kind=\"a\"} 2\n"), 2);
  EXPECT_EQ(waiting(*made->extractor, {{"engine", "sglang"}}, kPage), 20);
}

TEST(CoreMetricsExtractor, DeclaresWhatItProducesUnderItsType) {
  const auto made = testing::make_plugin<CoreMetricsExtractor>(
      "{engineConfigs: [{name: x, customMetrics: [{attributeKey: my-key, metricSpec: m}]}]}");
  ASSERT_TRUE(made.has_value()) << made.error().message;
  std::vector<std::string> keys;
  for (const Declaration& d : made->declarations) {
    EXPECT_EQ(d.access, Declaration::Access::produces);
    keys.push_back(d.key.text());
  }
  EXPECT_EQ(
      keys,
      (std::vector<std::string>{
          "WaitingQueueSize/core-metrics-extractor", "RunningRequestsSize/core-metrics-extractor",
          "KVCacheUsagePercent/core-metrics-extractor", "ActiveModels/core-metrics-extractor",
          "WaitingModels/core-metrics-extractor", "my-key/core-metrics-extractor"}));
}

TEST(CoreMetricsExtractor, SaysWhatIsWrongWithItsParameters) {
  EXPECT_EQ(testing::plugin_error<CoreMetricsExtractor>("{defaultEngine: x}"),
            "defaultEngine \"x\" not found in engineConfigs");
  EXPECT_EQ(testing::plugin_error<CoreMetricsExtractor>("{engineConfigs: [{}]}"),
            "engine config name cannot be empty");
}

}  // namespace
}  // namespace pointsman
