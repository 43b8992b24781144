#include "pointsman/telemetry/metrics.h"

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/base/client_text.h"
#include "pointsman/base/testing/allocations.h"
#include "pointsman/telemetry/exposition.h"
#include "pointsman/telemetry/process_metrics.h"
#include "pointsman/telemetry/testing/metrics_fixture.h"

namespace pointsman {
namespace {

using namespace std::chrono_literals;
using Fixture = testing::MetricsFixture;

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) {
    ++found;
  }
  return found;
}

// What a shard and its Metrics promise.

TEST(Metrics, ShowsOnlySeriesThatWereTouched) {
  Fixture f;
  const Histogram duration = f.metrics.series(metric::kPluginDuration, "Scorer", "t", "n");
  const Gauge pool = f.metrics.series(metric::kPoolQueue, "pool");
  EXPECT_EQ(count(f.metrics.expose(), "plugin_duration"), 0U);
  EXPECT_EQ(f["pointsman_spans_exported_total"], 0);
  f.shard.observe(duration, 1us);
  f.shard.set(pool, 0);
  EXPECT_GT(count(f.metrics.expose(), "plugin_duration"), 0U);
  EXPECT_EQ(f["inference_pool_average_queue_size{name=\"pool\"}"], 0);
  f.shard.clear(pool);
  EXPECT_EQ(count(f.metrics.expose(), "average_queue_size"), 0U);
}

TEST(Metrics, ShowsAHistogramBeforeItsFirstObservation) {
  Fixture f;
  MetricShard& other = f.metrics.add_shard();
  const Histogram duration = f.shard.with(metric::kStreamDuration);
  f.shard.show(duration);
  EXPECT_EQ(f["llm_d_epp_extproc_stream_duration_seconds_count"], 0);
  EXPECT_TRUE(f.metrics.expose().contains("\nllm_d_epp_extproc_stream_duration_seconds_sum 0\n"));
  other.show(duration);
  f.shard.observe(duration, 1.5);
  f.shard.show(duration);
  EXPECT_EQ(f["llm_d_epp_extproc_stream_duration_seconds_sum"], 1.5);
  EXPECT_EQ(f["llm_d_epp_extproc_stream_duration_seconds_count"], 1);
}

TEST(Metrics, IgnoresNaN) {
  Fixture f;
  const Histogram series = f.metrics.series(metric::kSchedulerDuration);
  f.shard.observe(series, std::numeric_limits<double>::quiet_NaN());
  f.shard.observe(series, 1.0);
  EXPECT_EQ(f["llm_d_epp_scheduler_e2e_duration_seconds_sum"], 1);
  EXPECT_EQ(f["llm_d_epp_scheduler_e2e_duration_seconds_count"], 1);
}

TEST(Metrics, BoundsModelsAndFairnessButNotConfiguredValues) {
  Metrics metrics(metric::kAll, 5);
  MetricShard& shard = metrics.add_shard();
  for (int i = 0; i < 1000; ++i) {
    const std::string model = "m" + std::to_string(i);
    shard.add(shard.with(metric::kRequestTotal, model, model, "", "0"));
    shard.add(shard.with(metric::kSchedulerAttempts, "success", model, "e", "ns", "1"));
    shard.add(shard.with(metric::kRequestRunning, "", "", model, "0"), 1);
  }
  const std::string text = metrics.expose();
  EXPECT_EQ(count(text, "llm_d_epp_request_total{"), 6U);
  EXPECT_EQ(count(text, "llm_d_epp_scheduler_attempts_total{"), 6U);
  EXPECT_EQ(count(text, "llm_d_epp_request_running{"), 6U);
  EXPECT_EQ(metric_value(text,
                         "llm_d_epp_request_total{fairness_id=\"\",model_name=\"other\","
                         "priority=\"0\",target_model_name=\"other\"}"),
            995);
}

TEST(Metrics, KeepsNoTextThatAClientMadeTooLong) {
  Metrics metrics;
  MetricShard& shard = metrics.add_shard();
  const std::string giant(std::size_t{2} << 20U, 'g');
  const auto request = [&](std::string_view model) {
    shard.add(shard.with(metric::kRequestTotal, model, model, model, "0"));
    shard.add(shard.with(metric::kSchedulerAttempts, "success", model, "e", "ns", "1"));
    shard.add(shard.with(metric::kInflightRequests, "e", "ns", "p", model, "0"), 1);
    shard.add(shard.with(metric::kModelRewrites, "rule", model, "target"));
    shard.add(shard.with(metric::kDisaggDecisions, "p", "t", model, "decode-only"));
  };
  request(giant);
  request(giant + "2");
  request(std::string(kMaxClientText, 'm'));
  const std::string text = metrics.expose();
  EXPECT_LT(text.size(), 20'000U);
  EXPECT_EQ(metric_value(text,
                         "llm_d_epp_request_total{fairness_id=\"other\",model_name=\"other\","
                         "priority=\"0\",target_model_name=\"other\"}"),
            2);
  EXPECT_EQ(count(text, "\nllm_d_epp_model_rewrite_decisions_total{"), 2U);
  const auto before = testing::allocations();
  request(giant);
  EXPECT_EQ(testing::allocations(), before);
}

TEST(Metrics, ReplacesWhatIsNoTextInALabel) {
  Fixture f;
  const auto request = [&f](std::string_view tenant) {
    f.shard.add(f.shard.with(metric::kRequestTotal, "m", "t", tenant, "0"));
  };
  request("a\xFF");
  request("a\xFE");  // what looks alike is one series
  request("b\u20ac");
  EXPECT_EQ(f["llm_d_epp_request_total{fairness_id=\"a\uFFFD\",model_name=\"m\",priority=\"0\","
              "target_model_name=\"t\"}"],
            2);
  EXPECT_EQ(f["llm_d_epp_request_total{fairness_id=\"b\u20ac\",model_name=\"m\",priority=\"0\","
              "target_model_name=\"t\"}"],
            1);
  const std::string text = f.metrics.expose();
  EXPECT_EQ(text.find_first_of("\xFE\xFF"), std::string::npos);
}

TEST(Metrics, FoldsOnlyWhatClientsChooseWhenAFamilyIsFull) {
  Metrics metrics(metric::kAll, 1000, 8);
  MetricShard& shard = metrics.add_shard();
  const auto fail = [&shard](int i, std::string_view priority) {
    const std::string model = "m" + std::to_string(i);
    shard.add(
        shard.with(metric::kRequestErrors, model, model, "tenant", priority, "ServiceUnavailable"));
  };
  for (int i = 0; i < 10; ++i) fail(i, "-1");
  for (int i = 0; i < 100; ++i) fail(i, i % 2 == 0 ? "0" : "-1");
  const std::string text = metrics.expose();
  const auto folded = [&text](const std::string& priority, const std::string& code) {
    return metric_value(text, "llm_d_epp_request_error_total{error_code=\"" + code +
                                  "\",fairness_id=\"other\",model_name=\"other\",priority=\"" +
                                  priority + "\",target_model_name=\"other\"}");
  };
  EXPECT_EQ(folded("0", "ServiceUnavailable"), 50);
  EXPECT_EQ(folded("-1", "ServiceUnavailable"), 2 + 46);  // m1, m3, m5 and m7 have their own series
  EXPECT_EQ(folded("other", "other"), std::nullopt);
  EXPECT_EQ(metric_sum(text, "llm_d_epp_request_error_total"), 110);

  for (int i = 0; i < 100; ++i) fail(0, std::to_string(100 + i));
  const std::string later = metrics.expose();
  EXPECT_EQ(count(later, "\nllm_d_epp_request_error_total{"), 8U + 3U + 1U);
  EXPECT_EQ(metric_sum(later, "llm_d_epp_request_error_total"), 210);
}

TEST(Metrics, CountsWhatExceedsTheSeriesOfAFamilyInOne) {
  Metrics metrics(metric::kAll, 1000, 3);
  MetricShard& a = metrics.add_shard();
  MetricShard& b = metrics.add_shard();
  for (int i = 0; i < 10; ++i) {
    const std::string code = std::to_string(i);
    a.add(a.with(metric::kPollErrors, code));
    b.add(b.with(metric::kPollErrors, code));
  }
  const std::string text = metrics.expose();
  EXPECT_EQ(count(text, "llm_d_epp_datalayer_poll_errors_total{"), 4U);
  EXPECT_EQ(metric_value(text, "llm_d_epp_datalayer_poll_errors_total{source_type=\"2\"}"), 2);
  EXPECT_EQ(metric_value(text, "llm_d_epp_datalayer_poll_errors_total{source_type=\"other\"}"), 14);
}

TEST(Metrics, KeepsSeriesApartWhenThereAreMany) {
  Metrics metrics;
  MetricShard& shard = metrics.add_shard();
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 3000; ++i) {
      shard.add(shard.with(metric::kExtractErrors, std::to_string(i), std::to_string(i / 7)));
    }
  }
  const std::string text = metrics.expose();
  EXPECT_EQ(count(text, "\nllm_d_epp_datalayer_extract_errors_total{"), 3000U);
  EXPECT_EQ(count(text, "\"} 2\n"), 6000U);
}

TEST(Metrics, AddsSourcesAtEveryScrape) {
  Metrics metrics;
  double queue = 3;
  metrics.add_source([&queue](std::vector<Sample>& out) {
    out.push_back(
        {.family = &metric::kEndpointQueue, .labels = {"pool", "a-rank-0"}, .value = queue});
  });
  queue = 4;
  const std::string text = metrics.expose();
  EXPECT_EQ(metric_value(text,
                         "llm_d_epp_per_endpoint_queue_size{model_server_endpoint="
                         "\"a-rank-0\",name=\"pool\"}"),
            4);
  EXPECT_EQ(metric_value(text,
                         "inference_pool_per_pod_queue_size{model_server_pod=\"a-rank-0\","
                         "name=\"pool\"}"),
            4);
}

TEST(Metrics, ReportsTheProcess) {
  Metrics metrics;
  add_process_metrics(metrics);
  const std::string text = metrics.expose();
  EXPECT_GT(metric_value(text, "process_resident_memory_bytes").value_or(0), 100'000);
  EXPECT_GT(metric_value(text, "process_open_fds").value_or(0), 2);
  EXPECT_GT(metric_value(text, "process_max_fds").value_or(0), 2);
  EXPECT_GE(metric_value(text, "process_cpu_seconds_total").value_or(-1), 0);
  const double started = metric_value(text, "process_start_time_seconds").value_or(0);
  const auto now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch());
  EXPECT_LT(started, now.count() + 2);
  EXPECT_GT(started, now.count() - 24 * 3600);
}

TEST(Metrics, TakesNoMemoryForWhatItHasSeenBefore) {
  Fixture f;
  const Histogram kept = f.metrics.series(metric::kPluginDuration, "Scorer", "t", "n");
  const auto decide = [&f, &kept] {
    f.shard.observe(kept, 1us);
    f.shard.add(f.shard.with(metric::kSchedulerAttempts, "success", "m", "pod", "ns", "8000"));
    f.shard.add(f.shard.with(metric::kRequestRunning, "m", "t", "tenant", "0"), 1);
  };
  decide();
  const auto before = testing::allocations();
  for (int i = 0; i < 100; ++i) decide();
  EXPECT_EQ(testing::allocations(), before);
}

TEST(Metrics, CountsExactlyWhileFourThreadsWriteAndOneReads) {
  constexpr int kRounds = 20'000;
  Metrics metrics;
  const Histogram duration = metrics.series(metric::kSchedulerDuration);
  const Gauge running = metrics.series(metric::kPoolRunning, "p");
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, &shard = metrics.add_shard()] {
        for (int i = 0; i < kRounds; ++i) {
          shard.observe(duration, 1.0);
          shard.add(running, 1);
          shard.add(shard.with(metric::kPollErrors, i % 2 == 0 ? "even" : std::to_string(i % 50)));
        }
      });
    }
    double last = 0;
    for (int i = 0; i < 50; ++i) {
      const double now =
          metric_value(metrics.expose(), "llm_d_epp_scheduler_e2e_duration_seconds_count")
              .value_or(0);
      EXPECT_GE(now, last);
      last = now;
    }
  }
  const std::string text = metrics.expose();
  EXPECT_EQ(metric_value(text, "llm_d_epp_scheduler_e2e_duration_seconds_count"), 4 * kRounds);
  EXPECT_EQ(metric_value(text, "llm_d_epp_scheduler_e2e_duration_seconds_sum"), 4 * kRounds);
  EXPECT_EQ(metric_value(text, "llm_d_epp_average_running_requests{name=\"p\"}"), 4 * kRounds);
  EXPECT_EQ(metric_value(text, "llm_d_epp_datalayer_poll_errors_total{source_type=\"even\"}"),
            2 * kRounds);
}

}  // namespace
}  // namespace pointsman
