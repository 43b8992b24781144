#include "pointsman/app/epp_flags.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace pointsman {
namespace {

std::optional<std::string> no_environment(std::string_view /*name*/) {
  return std::nullopt;
}

// The flags after everything has been checked; the error, if there is one.
struct Finished {
  EppFlags flags;
  std::string error = "none";
};

Finished finished(const std::vector<std::string_view>& words,
                  const Environment& environment = no_environment) {
  Finished out;
  FlagSet set("epp", "Picker.");
  out.flags.declare(set);
  auto done = set.parse(words);
  if (done) done = out.flags.finish(set, environment);
  if (!done) out.error = done.error().message;
  return out;
}

// The error of `words` behind a valid --pool-name.
std::string error(std::vector<std::string_view> words) {
  words.insert(words.begin(), "--pool-name=p");
  return finished(words).error;
}

TEST(EppFlags, HaveTheDefaultsOfTheReference) {
  const auto [flags, problem] = finished({"--pool-name=p"});
  EXPECT_EQ(problem, "none");
  EXPECT_EQ(flags.grpc_port, 9002);
  EXPECT_EQ(flags.grpc_health_port, 9003);
  EXPECT_EQ(flags.router.metrics_port, 9090);
  EXPECT_TRUE(flags.secure_serving);
  EXPECT_TRUE(flags.router.metrics_endpoint_auth);
  EXPECT_TRUE(flags.router.tracing);
  EXPECT_FALSE(flags.health_checking);
  EXPECT_FALSE(flags.router.allow_experimental_plugins);
  EXPECT_EQ(flags.router.drain_timeout, std::chrono::seconds(30));
  EXPECT_EQ(flags.router.refresh_metrics_interval, std::chrono::milliseconds(50));
  EXPECT_EQ(flags.router.refresh_prometheus_metrics_interval, std::chrono::seconds(5));
  EXPECT_EQ(flags.router.metrics_staleness_threshold, std::chrono::seconds(2));
  EXPECT_EQ(flags.max_receive_bytes, 4 << 20);
  EXPECT_EQ(flags.max_send_bytes, 2'147'483'647);
  EXPECT_EQ(flags.min_tls_version, TlsVersion::v1_2);
  EXPECT_EQ(flags.router.log_threshold, 2);
  EXPECT_EQ(flags.pool_group, "inference.networking.k8s.io");
}

TEST(EppFlags, TakeALaunchScriptOfAUser) {
  const auto [flags, problem] =
      finished({"--pool-name", "prime-rl", "--pool-namespace", "slurm", "--config-file", "F",
                "--grpc-port", "9002", "--grpc-health-port", "9013", "--metrics-port", "9090",
                "--secure-serving=false", "--metrics-endpoint-auth=false", "--tracing=false"});
  EXPECT_EQ(problem, "none");
  EXPECT_EQ(flags.router.pool_name, "prime-rl");
  EXPECT_EQ(flags.router.pool_namespace, "slurm");
  EXPECT_EQ(flags.grpc_health_port, 9013);
  EXPECT_FALSE(flags.secure_serving);
  EXPECT_FALSE(flags.router.tracing);
  EXPECT_TRUE(flags.router.warnings.empty());
}

TEST(EppFlags, TakeTheNamespaceFromTheEnvironment) {
  EXPECT_EQ(finished({"--pool-name=p"}).flags.router.pool_namespace, "default");
  EXPECT_TRUE(finished({"--pool-name=p"}).flags.router.pool_namespace_defaulted);
  const auto set = finished({"--pool-name=p"}, [](std::string_view name) {
    return name == "NAMESPACE" ? std::optional<std::string>("prod") : std::nullopt;
  });
  EXPECT_EQ(set.flags.router.pool_namespace, "prod");
  EXPECT_FALSE(set.flags.router.pool_namespace_defaulted);
}

// spec/02 section 7.3.
TEST(EppFlags, ReadSizes) {
  const auto size = [](std::string_view text) { return parse_size("f", text); };
  EXPECT_EQ(size("").value(), 0);
  EXPECT_EQ(size("10485760").value(), 10'485'760);
  EXPECT_EQ(size("10Mi").value(), 10'485'760);
  EXPECT_EQ(size(" 10MiB ").value(), 10'485'760);
  EXPECT_EQ(size("20M").value(), 20'000'000);
  EXPECT_EQ(size("20MB").value(), 20'000'000);
  EXPECT_EQ(size("10kB").value(), 10'000);
  for (const char* text : {"10KB", "10invalid", "abc", "6 Mi", "B"}) {
    ASSERT_FALSE(size(text).has_value()) << text;
    EXPECT_TRUE(size(text).error().message.starts_with("invalid f: ")) << text;
  }
  EXPECT_EQ(size("-10Mi").error().message, "f must be non-negative, got -10485760");
  EXPECT_EQ(size("10Ei").error().message, "f overflows maximum supported size: 10Ei");
  EXPECT_EQ(size("1.5Mi").error().message, "f overflows maximum supported size: 1.5Mi");
}

TEST(EppFlags, CompleteMessageSizes) {
  const auto flags =
      finished({"--pool-name=p", "--grpc-max-recv-msg-size=6MiB", "--grpc-max-send-msg-size=0"})
          .flags;
  EXPECT_EQ(flags.max_receive_bytes, 6 << 20);
  EXPECT_EQ(flags.max_send_bytes, 2'147'483'647);
  EXPECT_TRUE(
      error({"--grpc-max-recv-msg-size=abc"}).starts_with("invalid grpc-max-recv-msg-size"));
  EXPECT_TRUE(error({"--grpc-max-send-msg-size=-1"})
                  .starts_with("grpc-max-send-msg-size must be non-negative, got -1"));
}

TEST(EppFlags, ReadTlsNames) {
  EXPECT_EQ(finished({"--pool-name=p", "--tls-min-version=VersionTLS13"}).flags.min_tls_version,
            TlsVersion::v1_3);
  EXPECT_EQ(error({"--tls-min-version=1.2"}),
            "invalid tls-min-version \"1.2\": unknown TLS version \"1.2\"; supported values: "
            "VersionTLS10, VersionTLS11, VersionTLS12, VersionTLS13");
  EXPECT_EQ(finished({"--pool-name=p",
                      "--tls-cipher-suites= TLS_RSA_WITH_AES_128_CBC_SHA ,,TLS_AES_128_GCM_SHA256"})
                .flags.tls_cipher_suites,
            (std::vector<std::string>{"TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_AES_128_GCM_SHA256"}));
  EXPECT_EQ(error({"--tls-cipher-suites=FOO"}),
            "invalid tls-cipher-suites: unknown cipher suite \"FOO\"");
}

TEST(EppFlags, NameUnreadableCertificates) {
  EXPECT_EQ(error({"--metrics-client-ca-file=/nonexistent/ca"}),
            "metrics TLS cert file unreadable: /nonexistent/ca: stat /nonexistent/ca: no such file "
            "or directory");
  EXPECT_TRUE(error({"--metrics-cert-dir=/nonexistent"})
                  .starts_with("metrics TLS cert file unreadable: /nonexistent/tls.crt"));
}

// spec/02 section 7.4.
TEST(EppFlags, WantExactlyOneOfPoolNameAndSelector) {
  const std::string text = "either pool-name or endpoint-selector must be set";
  EXPECT_EQ(finished({}).error, text);
  EXPECT_EQ(error({"--endpoint-selector=app=x"}), text);
  EXPECT_EQ(finished({"--endpoint-selector=", "--pool-name=p"}).error, "none");
  EXPECT_EQ(finished({"--endpoint-selector=app=x", "--endpoint-target-ports=8000"}).error, "none");
}

TEST(EppFlags, RefuseABadSelector) {
  EXPECT_TRUE(finished({"--endpoint-selector==x"})
                  .error.starts_with("invalid endpoint-selector \"=x\": unable to parse"));
}

TEST(EppFlags, CheckTargetPorts) {
  const auto ports = [](std::vector<std::string_view> words) {
    words.insert(words.begin(), "--endpoint-selector=app=x");
    return finished(words);
  };
  const std::vector<int> both = {8080, 9090};
  EXPECT_EQ(ports({"--endpoint-target-ports=8080,9090,8080,9090"}).flags.endpoint_target_ports,
            both);
  EXPECT_EQ(ports({"--endpoint-target-ports=8080", "--endpoint-target-ports=9090"})
                .flags.endpoint_target_ports,
            both);
  EXPECT_EQ(ports({}).error, "flag \"endpoint-target-ports\" should have length from 1 to 8");
  EXPECT_EQ(ports({"--endpoint-target-ports=1,2,3,4,5,6,7,8,9"}).error,
            "flag \"endpoint-target-ports\" should have length from 1 to 8");
  EXPECT_EQ(ports({"--endpoint-target-ports=-1"}).error,
            "invalid port number -1 in \"endpoint-target-ports\"");
  EXPECT_EQ(ports({"--endpoint-target-ports=65536"}).error,
            "invalid port number 65536 in \"endpoint-target-ports\"");
}

TEST(EppFlags, RefuseContradictions) {
  EXPECT_EQ(error({"--config-file=a", "--config-text=b"}),
            "both the \"config-file\" and \"config-text\" flags cannot be set at the same time");
  EXPECT_EQ(error({"--metrics-client-ca-file=/dev/null"}),
            "\"metrics-client-ca-file\" requires \"metrics-cert-dir\"");
  EXPECT_EQ(error({"--kv-cache-usage-percentage-metric=x"}),
            "flag \"kv-cache-usage-percentage-metric\" is deprecated and cannot be used; configure "
            "metrics via engineConfigs in EndpointPickerConfig instead");
}

TEST(EppFlags, KeepTheOrderOfChecks) {
  // Completion comes before validation, and in it sizes before TLS names.
  EXPECT_TRUE(finished({"--grpc-max-recv-msg-size=x", "--tls-min-version=x"})
                  .error.starts_with("invalid grpc-max-recv-msg-size"));
  EXPECT_TRUE(finished({"--tls-min-version=x"}).error.starts_with("invalid tls-min-version"));
}

TEST(EppFlags, CheckRanges) {
  EXPECT_EQ(error({"--grpc-port=65536"}), "--grpc-port must be between 0 and 65535, got 65536");
  EXPECT_EQ(error({"--grpc-health-port=-1"}),
            "--grpc-health-port must be between 0 and 65535, got -1");
  EXPECT_EQ(error({"--metrics-port=70000"}),
            "--metrics-port must be between 0 and 65535, got 70000");
  EXPECT_EQ(error({"--workers=-1"}), "--workers must not be negative, got -1");
  EXPECT_EQ(error({"--refresh-prometheus-metrics-interval=0s"}),
            "--refresh-prometheus-metrics-interval must be positive, got 0s");
  EXPECT_EQ(error({"--metrics-staleness-threshold=-1s"}),
            "--metrics-staleness-threshold must be positive, got -1s");
}

TEST(EppFlags, RaiseTooFastScrapes) {
  const auto flags =
      finished({"--pool-name=p", "--refresh-metrics-interval=1ms", "--metrics-endpoint-auth=false"})
          .flags;
  EXPECT_EQ(flags.router.refresh_metrics_interval, std::chrono::milliseconds(50));
  ASSERT_EQ(flags.router.warnings.size(), 1U);
}

TEST(EppFlags, DeriveTheLogLevel) {
  const auto level = [](std::vector<std::string_view> words) {
    words.insert(words.begin(), "--pool-name=p");
    return finished(words).flags.router.log_threshold;
  };
  EXPECT_EQ(level({"-v=4"}), 4);
  EXPECT_EQ(level({"-v=-1"}), 2);
  EXPECT_EQ(level({"--zap-log-level=info", "-v=4"}), 0);
  EXPECT_EQ(level({"--zap-log-level=3"}), 3);
  EXPECT_TRUE(
      error({"--zap-log-level=loud"})
          .starts_with("invalid argument \"loud\" for \"--zap-log-level\" flag: invalid log "
                       "level \"loud\""));
  EXPECT_TRUE(error({"--zap-encoder=xml"}).starts_with("invalid argument \"xml\""));
  EXPECT_EQ(error({"--zap-encoder", "json", "--zap-devel", "--zap-time-encoding=epoch"}), "none");
}

TEST(EppFlags, ReadZapsWordsAsControllerRuntimeDoes) {
  EXPECT_EQ(error({"--zap-encoder=JSON", "--zap-stacktrace-level=Error",
                   "--zap-time-encoding=ISO8601", "--zap-log-level=Debug"}),
            "none");
  EXPECT_EQ(error({"--zap-time-encoding=nano"}), "none");
  EXPECT_EQ(error({"--zap-time-encoding=nanos"}), "none");
  EXPECT_TRUE(error({"--zap-time-encoding=seconds"}).starts_with("invalid argument \"seconds\""));
}

TEST(EppFlags, TakeANegativeDrainTimeoutAsNone) {
  const auto [flags, problem] = finished({"--pool-name=p", "--drain-timeout=-1s"});
  EXPECT_EQ(problem, "none");
  EXPECT_EQ(flags.router.drain_timeout.count(), 0);
  EXPECT_EQ(error({"--drain-limit=-1s"}), "--drain-limit must not be negative");
}

TEST(EppFlags, WarnOnceOfFlagsThatNeedKubernetes) {
  const auto flags = finished({"--pool-name=p", "--ha-enable-leader-election", "--pool-group=x",
                               "--metrics-endpoint-auth=false"})
                         .flags;
  EXPECT_EQ(flags.router.warnings,
            (std::vector<std::string>{
                "--pool-group has no effect: Kubernetes comes later",
                "--ha-enable-leader-election has no effect: Kubernetes comes later"}));
  const auto guarded = finished({"--pool-name=p"}).flags;
  ASSERT_EQ(guarded.router.warnings.size(), 1U);
  EXPECT_TRUE(guarded.router.warnings[0].contains("bound to loopback"));
}

TEST(EppFlags, WarnOfIdleTls) {
  const auto warnings = [](std::vector<std::string_view> words) {
    words.insert(words.begin(), {"--pool-name=p", "--metrics-endpoint-auth=false"});
    return finished(words).flags.router.warnings;
  };
  using Lines = std::vector<std::string>;
  EXPECT_EQ(warnings({"--cert-path=/d", "--enable-cert-reload"}), Lines());
  EXPECT_EQ(warnings({"--enable-cert-reload"}),
            Lines{"--enable-cert-reload has no effect: there is no --cert-path to watch"});
  EXPECT_EQ(warnings({"--cert-path=/d", "--enable-cert-reload", "--secure-serving=false"}),
            Lines{"--cert-path has no effect: --secure-serving is false"});
}

}  // namespace
}  // namespace pointsman
