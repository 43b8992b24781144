// The rows of spec/07 section 7.
#include <array>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "pointsman/telemetry/exposition.h"
#include "pointsman/telemetry/testing/metrics_fixture.h"

namespace pointsman {
namespace {

using namespace std::chrono_literals;
using Fixture = testing::MetricsFixture;

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

}  // namespace
}  // namespace pointsman
