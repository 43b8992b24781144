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
#include "pointsman/telemetry/testing/metric_value.h"

namespace pointsman {
namespace {

using namespace std::chrono_literals;

// One shard, and a reader of the text.
struct Fixture {
  Metrics metrics;
  MetricShard& shard = metrics.add_shard();

  double operator[](std::string_view series) const {
    return metric_value(metrics.expose(), series).value_or(-1);
  }
};

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) {
    ++found;
  }
  return found;
}

// The rows of spec/07 section 7.

TEST(Metrics, RequestTotal) {
  Fixture f;
  const auto request = [&f](auto model, auto target, auto tenant) {
    f.shard.add(f.shard.with(metric::kRequestTotal, model, target, tenant, "0"));
  };
  request("m10", "t10", "tenant-a");
  request("m10", "t10", "tenant-a");
  request("m10", "t11", "tenant-b");
  request("m20", "t20", "tenant-c");
  EXPECT_EQ(f["llm_d_epp_request_total{fairness_id=\"tenant-a\",model_name=\"m10\",priority=\"0\","
              "target_model_name=\"t10\"}"],
            2);
  EXPECT_EQ(f["llm_d_epp_request_total{fairness_id=\"tenant-b\",model_name=\"m10\",priority=\"0\","
              "target_model_name=\"t11\"}"],
            1);
  EXPECT_EQ(f["inference_objective_request_total{model_name=\"m10\",priority=\"0\","
              "target_model_name=\"t10\"}"],
            2);
  EXPECT_EQ(f["inference_objective_request_total{model_name=\"m20\",priority=\"0\","
              "target_model_name=\"t20\"}"],
            1);
}

TEST(Metrics, Sizes) {
  Fixture f;
  const Histogram size = f.metrics.series(metric::kRequestSize, "m10", "t10", "", "0");
  f.shard.observe(size, 1200);
  f.shard.observe(size, 500);
  const std::string labels =
      "{fairness_id=\"\",model_name=\"m10\",priority=\"0\",target_model_name=\"t10\"";
  EXPECT_EQ(f["llm_d_epp_request_size_bytes_sum" + labels + "}"], 1700);
  EXPECT_EQ(f["llm_d_epp_request_size_bytes_count" + labels + "}"], 2);
  EXPECT_EQ(f["llm_d_epp_request_size_bytes_bucket" + labels + ",le=\"512\"}"], 1);
  EXPECT_EQ(f["llm_d_epp_request_size_bytes_bucket" + labels + ",le=\"1.048576e+06\"}"], 2);
  EXPECT_EQ(f["inference_objective_request_sizes_bucket{model_name=\"m10\",target_model_name="
              "\"t10\",le=\"1.048576e+06\"}"],
            2);
}

TEST(Metrics, Errors) {
  Fixture f;
  const auto error = [&f](auto model, auto target, auto code) {
    f.shard.add(f.shard.with(metric::kRequestErrors, model, target, "", "0", code));
  };
  error("m10", "t10", "Internal");
  error("m10", "t10", "Internal");
  error("m10", "t11", "ModelServerError");
  error("m20", "t20", "ResourceExhausted");
  EXPECT_EQ(f["llm_d_epp_request_error_total{error_code=\"Internal\",fairness_id=\"\",model_name="
              "\"m10\",priority=\"0\",target_model_name=\"t10\"}"],
            2);
  EXPECT_EQ(f["inference_objective_request_error_total{error_code=\"ModelServerError\","
              "model_name=\"m10\",target_model_name=\"t11\"}"],
            1);
  EXPECT_EQ(f["inference_objective_request_error_total{error_code=\"ResourceExhausted\","
              "model_name=\"m20\",target_model_name=\"t20\"}"],
            1);
}

TEST(Metrics, LatencySumsAreWhatTheReferencePrints) {
  Fixture f;
  const auto sum = [&f](const auto& family, const std::vector<double>& values) {
    const Histogram series = f.metrics.series(family, "m10", "t10", "a", "0");
    for (const double value : values) f.shard.observe(series, value);
    const std::string labels =
        "{fairness_id=\"a\",model_name=\"m10\",priority=\"0\",target_model_name=\"t10\"}";
    EXPECT_EQ(f[std::string(family.name) + "_count" + labels], values.size());
    return f[std::string(family.name) + "_sum" + labels];
  };
  EXPECT_EQ(sum(metric::kRequestDuration, {0.01, 1.6}), 1.61);
  EXPECT_EQ(sum(metric::kNtpot, {1.0 / 100, 1.6 / 80}), 0.03);
  EXPECT_EQ(sum(metric::kStreamingTpot, {(2.0 - 0.5) / 10}), 0.15);
  EXPECT_EQ(sum(metric::kStreamingItl, {.05, .08, .12}), 0.25);
  EXPECT_EQ(sum(metric::kInputTokens, {10, 20}), 30);
}

TEST(Metrics, TimeToFirstTokenIsLabelledByStreaming) {
  Fixture f;
  const Histogram ttft = f.shard.with(metric::kTtft, "m10", "t10", "a", "0", "true");
  f.shard.observe(ttft, 10ms);
  f.shard.observe(ttft, 1600ms);
  EXPECT_EQ(f["llm_d_epp_request_ttft_seconds_sum{fairness_id=\"a\",model_name=\"m10\",priority="
              "\"0\",streaming=\"true\",target_model_name=\"t10\"}"],
            1.61);
}

constexpr std::array<std::chrono::nanoseconds, 9> kNine{200us, 800us, 1500us, 3ms,  8ms,
                                                        15ms,  30ms,  75ms,   150ms};

TEST(Metrics, SchedulerDurationCountsABoundInItsBucket) {
  Fixture f;
  const Histogram series = f.metrics.series(metric::kSchedulerDuration);
  for (const auto elapsed : kNine) f.shard.observe(series, elapsed);
  const std::string text = f.metrics.expose();
  for (const std::string name : {"llm_d_epp_scheduler_e2e_duration_seconds",
                                 "inference_extension_scheduler_e2e_duration_seconds"}) {
    EXPECT_NE(text.find("\n# TYPE " + name + " histogram\n" +  //
                        name + "_bucket{le=\"0.0001\"} 0\n" +  //
                        name + "_bucket{le=\"0.0002\"} 1\n" +  //
                        name + "_bucket{le=\"0.0005\"} 1\n" +  //
                        name + "_bucket{le=\"0.001\"} 2\n" +   //
                        name + "_bucket{le=\"0.002\"} 3\n" +   //
                        name + "_bucket{le=\"0.005\"} 4\n" +   //
                        name + "_bucket{le=\"0.01\"} 5\n" +    //
                        name + "_bucket{le=\"0.02\"} 6\n" +    //
                        name + "_bucket{le=\"0.05\"} 7\n" +    //
                        name + "_bucket{le=\"0.1\"} 8\n" +     //
                        name + "_bucket{le=\"+Inf\"} 9\n" +    //
                        name + "_sum 0.2835\n" + name + "_count 9\n"),
              std::string::npos)
        << text;
  }
  f.shard.observe(series, 3us);
  EXPECT_EQ(f["pointsman_scheduler_duration_seconds_bucket{le=\"2e-06\"}"], 0);
  EXPECT_EQ(f["pointsman_scheduler_duration_seconds_bucket{le=\"5e-06\"}"], 1);
}

TEST(Metrics, ProcessingDurations) {
  Fixture f;
  const Histogram request = f.metrics.series(metric::kRequestProcessing);
  const Histogram response = f.metrics.series(metric::kResponseProcessing);
  for (const auto elapsed : kNine) {
    f.shard.observe(request, elapsed);
    f.shard.observe(response, elapsed);
  }
  const auto buckets = [&f](const FamilySpec& family) {
    std::vector<double> counts;
    for (const double bound : family.bounds) {
      std::string series(family.name);
      series += "_bucket{le=\"";
      append_number(series, bound);
      counts.push_back(f[series + "\"}"]);
    }
    return counts;
  };
  EXPECT_EQ(buckets(metric::kRequestProcessing),
            (std::vector<double>{1, 2, 3, 4, 5, 6, 6, 7, 7, 8, 9, 9, 9, 9, 9, 9}));
  EXPECT_EQ(buckets(metric::kResponseProcessing),
            (std::vector<double>{0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 9}));
  EXPECT_EQ(f["llm_d_epp_request_processing_duration_seconds_sum"], 0.2835);
}

TEST(Metrics, Running) {
  Fixture f;
  const auto change = [&f](auto model, double by) {
    f.shard.add(f.shard.with(metric::kRequestRunning, model, "t", "", "10"), by);
  };
  change("m1", 1);
  change("m1", 1);
  change("m1", -1);
  change("m2", 1);
  change("m3", 1);
  change("m3", -1);
  EXPECT_EQ(f["llm_d_epp_request_running{fairness_id=\"\",model_name=\"m1\",priority=\"10\","
              "target_model_name=\"t\"}"],
            1);
  EXPECT_EQ(f["inference_objective_running_requests{model_name=\"m1\"}"], 1);
  EXPECT_EQ(f["inference_objective_running_requests{model_name=\"m2\"}"], 1);
  EXPECT_EQ(f["inference_objective_running_requests{model_name=\"m3\"}"], 0);
}

TEST(Metrics, SchedulerAttempts) {
  Fixture f;
  for (int i = 0; i < 2; ++i) {
    f.shard.add(
        f.shard.with(metric::kSchedulerAttempts, "success", "modelA", "pod-1", "ns-1", "8080"));
  }
  f.shard.add(f.shard.with(metric::kSchedulerAttempts, "failure", "modelA", "", "", ""));
  EXPECT_EQ(f["llm_d_epp_scheduler_attempts_total{endpoint_name=\"pod-1\",namespace=\"ns-1\",port="
              "\"8080\",status=\"success\",target_model_name=\"modelA\"}"],
            2);
  EXPECT_EQ(f["llm_d_epp_scheduler_attempts_total{endpoint_name=\"\",namespace=\"\",port=\"\","
              "status=\"failure\",target_model_name=\"modelA\"}"],
            1);
  EXPECT_EQ(f["inference_extension_scheduler_attempts_total{namespace=\"ns-1\",pod_name=\"pod-1\","
              "port=\"8080\",status=\"success\",target_model_name=\"modelA\"}"],
            2);
}

TEST(Metrics, ScopeViolations) {
  Fixture f;
  const auto reads =
      f.metrics.series(metric::kScopeViolations, "Filter", "label-filter", "f1", "read");
  f.shard.add(reads, 3);
  EXPECT_EQ(f["llm_d_epp_plugin_data_scope_violations_total{access=\"read\",extension_point="
              "\"Filter\",plugin_name=\"f1\",plugin_type=\"label-filter\"}"],
            3);
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
