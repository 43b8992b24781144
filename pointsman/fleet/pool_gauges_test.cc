#include "pointsman/fleet/pool_gauges.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/telemetry/metrics.h"

namespace pointsman {
namespace {

using std::chrono_literals::operator""s;

const Clock::time_point kNow{1000s};

struct Values {
  double kv;
  double waiting;
  double running;
  Clock::duration age = 0s;
};

Fleet fleet_of(const std::vector<Values>& values) {
  std::vector<Endpoint> endpoints;
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    endpoints.push_back({.name = "e" + std::to_string(i), .address = "10.0.0.1", .key = {i}});
    endpoints.back().complete();
  }
  Fleet fleet(std::make_shared<const std::vector<Endpoint>>(std::move(endpoints)));
  for (EndpointIndex e = 0; e < values.size(); ++e) {
    const Clock::time_point at = kNow - values[e].age;
    fleet.set(e, Load::kv_usage, values[e].kv, at);
    fleet.set(e, Load::waiting, values[e].waiting, at);
    fleet.set(e, Load::running, values[e].running, at);
    fleet.set_read_at(e, at);
  }
  return fleet;
}

class Pool : public ::testing::Test {
 protected:
  void refresh(const std::vector<Values>& values) { gauges_.refresh(fleet_of(values), kNow, 2s); }

  // The text behind `llm_d_epp_<name>{name="p"} `; "absent" when there is no such line.
  std::string value(std::string_view name) const {
    const std::string text = metrics_.expose(false);
    const std::string line = "llm_d_epp_" + std::string(name) + "{name=\"p\"} ";
    const std::size_t at = text.find(line);
    if (at == std::string::npos) return "absent";
    const std::size_t begin = at + line.size();
    return text.substr(begin, text.find('\n', begin) - begin);
  }

  Metrics metrics_;
  MetricShard& shard_ = metrics_.add_shard();
  PoolGauges gauges_{metrics_, shard_, "p"};
};

TEST_F(Pool, ShowsMeanAndSampleDeviationInCents) {
  refresh({{30, 2, 1}, {70, 5, 3}});
  EXPECT_EQ(value("average_kv_cache_utilization"), "50");
  EXPECT_EQ(value("std_dev_kv_cache_utilization"), "28.28");
  EXPECT_EQ(value("average_queue_size"), "3.5");
  EXPECT_EQ(value("std_dev_queue_size"), "2.12");
  EXPECT_EQ(value("average_running_requests"), "2");
  EXPECT_EQ(value("std_dev_running_requests"), "1.41");
  EXPECT_EQ(value("ready_endpoints"), "2");
  refresh({{0.2, 0, 0}, {0.3, 0, 0}, {0.4, 0, 0}});
  EXPECT_EQ(value("average_kv_cache_utilization"), "0.3");
  EXPECT_EQ(value("std_dev_kv_cache_utilization"), "0.1");
}

TEST_F(Pool, HasNoDeviationWithOneEndpoint) {
  refresh({{0.5, 1, 1}});
  EXPECT_EQ(value("std_dev_kv_cache_utilization"), "0");
}

TEST_F(Pool, LeavesStaleEndpointsOut) {
  refresh({{0.5, 4, 1}, {0.9, 100, 100, 3s}, {kMissing, 6, 1}});
  EXPECT_EQ(value("ready_endpoints"), "2");
  EXPECT_EQ(value("average_queue_size"), "5");
  EXPECT_EQ(value("average_kv_cache_utilization"), "0.5");
}

TEST_F(Pool, ShowsNoMeanWithoutAFreshEndpoint) {
  refresh({{0.5, 4, 1}});
  refresh({{0.5, 4, 1, 3s}});
  EXPECT_EQ(value("ready_endpoints"), "0");
  EXPECT_EQ(value("average_queue_size"), "absent");
  EXPECT_EQ(value("std_dev_queue_size"), "absent");
}

TEST(EndpointQueues, AreReadWhenTheMetricsAre) {
  Metrics metrics;
  auto fleet = std::make_shared<Published<Fleet>>(Fleet());
  expose_endpoint_queues(metrics, fleet, "p");
  EXPECT_FALSE(metrics.expose(false).contains("per_endpoint_queue_size"));
  fleet->publish(fleet_of({{0, 7, 0, 100s}, {0, kMissing, 0}}));
  const std::string text = metrics.expose(true);
  EXPECT_TRUE(text.contains(
      "llm_d_epp_per_endpoint_queue_size{model_server_endpoint=\"e0\",name=\"p\"} 7\n"));
  EXPECT_TRUE(
      text.contains("inference_pool_per_pod_queue_size{model_server_pod=\"e0\",name=\"p\"} 7\n"));
  EXPECT_FALSE(text.contains("\"e1\""));
}

}  // namespace
}  // namespace pointsman
