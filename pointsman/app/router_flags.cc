#include "pointsman/app/router_flags.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "pointsman/base/text.h"
#include "pointsman/config/duration.h"
#include "pointsman/config/quantity.h"
#include "pointsman/telemetry/log.h"
#include "pointsman/wire/address.h"

namespace pointsman {
namespace {

constexpr std::chrono::milliseconds kFastestScrape{50};

Result<void> known_level(std::string_view text) {
  const auto level = log_threshold(std::nullopt, text);
  if (!level) return std::unexpected(level.error());
  return {};
}

}  // namespace

void RouterFlags::declare_configuration(FlagSet& flags) {
  flags.add(
      {.name = "config-file",
       .value = "FILE",
       .help = "EndpointPickerConfig, YAML or JSON; without one, the built-in default: queue, "
               "KV-cache and prefix scorers."},
      config_file);
  flags.add({.name = "config-text",
             .value = "TEXT",
             .help = "The same, given inline.",
             .in_log = InLog::size},
            config_text);
  flags.add({.name = "watch-config",
             .help = "Take over --config-file whenever it changes, as SIGHUP does; a file with "
                     "mistakes changes nothing."},
            watch_config);
  flags.add({.name = "resources-file",
             .value = "FILE",
             .help = "InferenceObjective and InferenceModelRewrite resources as YAML documents, "
                     "taken up again whenever the file changes."},
            resources_file);
  flags.add({.name = "pool-name",
             .value = "NAME",
             .help = "Name of the pool, a label of its metrics and traces."},
            pool_name);
  flags.add({.name = "pool-namespace",
             .value = "NAMESPACE",
             .help = "Namespace of the pool; otherwise $NAMESPACE, then \"default\"."},
            pool_namespace);
  flags.add({.name = "allow-experimental-plugins", .help = "Permit plugins of stability Alpha."},
            allow_experimental_plugins);
  flags.add(
      {.name = "workers",
       .value = "N",
       .help = "Threads that serve requests, each with its own connections; 0 is one per core."},
      workers);
  flags.add({.name = "drain-timeout",
             .value = "DURATION",
             .help = "After SIGTERM, how long connections are still accepted while the router says "
                     "that it is not ready, so that what stands before it can look elsewhere. "
                     "SIGINT skips this."},
            drain_timeout);
  flags.add({.name = "drain-limit",
             .value = "DURATION",
             .help = "How long open requests may go on after that; then they are cut off."},
            drain_limit);
}

void RouterFlags::declare_memory(FlagSet& flags) {
  flags.add({.name = "max-inflight-bytes",
             .value = "SIZE",
             .help = "Bodies of requests in memory at one time; what would go beyond is answered "
                     "with 503. 0 is no limit."},
            max_inflight_size);
}

void RouterFlags::declare_scraping(FlagSet& flags) {
  flags.add({.name = "refresh-metrics-interval",
             .value = "DURATION",
             .help = "How often each endpoint's /metrics is read; at least 50ms."},
            refresh_metrics_interval);
  flags.add({.name = "metrics-staleness-threshold",
             .value = "DURATION",
             .help = "Age at which an endpoint's figures no longer count."},
            metrics_staleness_threshold);
  flags.add({.name = "refresh-prometheus-metrics-interval",
             .value = "DURATION",
             .help = "How often the gauges about the whole pool are renewed."},
            refresh_prometheus_metrics_interval);
}

void RouterFlags::declare_admin(FlagSet& flags) {
  flags.add({.name = "metrics-port",
             .value = "PORT",
             .help = "Port of /metrics, /healthz, /readyz, /endpoints and /decisions."},
            metrics_port);
  flags.add({.name = "admin-host",
             .value = "ADDRESS",
             .help = "Address of that port; otherwise --metrics-endpoint-auth says."},
            admin_host);
  flags.add({.name = "admin-token-file",
             .value = "FILE",
             .help = "Bearer tokens, one a line, that open endpoints and decisions to clients on "
                     "other machines. Metrics and health are open to all who reach the port."},
            admin_token_file);
  flags.add(
      {.name = "metrics-endpoint-auth",
       .help = "Ask Kubernetes who may read the metrics port. Without Kubernetes, true binds it "
               "to loopback and false opens it to everybody."},
      metrics_endpoint_auth);
}

void RouterFlags::declare_logging(FlagSet& flags) {
  flags.add(
      {.name = "tracing",
       .help = "OpenTelemetry traces; where to is said by OTEL_TRACES_EXPORTER (otlp, console) "
               "and OTEL_EXPORTER_OTLP_ENDPOINT."},
      tracing);
  flags.add({.name = "v",
             .value = "N",
             .help = "How much to log: 2 normal, 3 verbose, 4 debug, 5 trace.",
             .letter = 'v'},
            verbosity);
  flags.add({.name = "zap-log-level",
             .value = "LEVEL",
             .help = "debug, info, error, panic or a number; overrides -v.",
             .check = known_level},
            zap_log_level);
}

Result<void> RouterFlags::check_one_configuration() const {
  if (!config_file.empty() && !config_text.empty()) {
    return fail(Code::invalid_config,
                R"(both the "config-file" and "config-text" flags cannot be set at the same time)");
  }
  return {};
}

Result<void> RouterFlags::finish(const FlagSet& flags, const Environment& environment) {
  if (auto one = check_one_configuration(); !one) return one;
  if (watch_config && config_file.empty()) {
    return fail(Code::invalid_config, "--watch-config needs --config-file");
  }
  if (auto port = check_port("metrics-port", metrics_port); !port) return port;
  if (workers < 0) {
    return fail(Code::invalid_config,
                "--workers must not be negative, got " + std::to_string(workers));
  }
  for (const auto& [name, given] :
       {std::pair("--refresh-prometheus-metrics-interval", refresh_prometheus_metrics_interval),
        std::pair("--metrics-staleness-threshold", metrics_staleness_threshold)}) {
    if (given > std::chrono::nanoseconds(0)) continue;
    return fail(Code::invalid_config,
                std::string(name) + " must be positive, got " + format_duration(given));
  }
  POINTSMAN_TRY(inflight, parse_size("--max-inflight-bytes", max_inflight_size));
  max_inflight_bytes = static_cast<std::uint64_t>(inflight);
  drain_timeout = std::max(drain_timeout, std::chrono::nanoseconds(0));  // spec/02 7.2
  if (drain_limit.count() < 0) {
    return fail(Code::invalid_config, "--drain-limit must not be negative");
  }
  if (!admin_host.empty() && !Address::parse(admin_host, 0)) {
    return fail(Code::invalid_config, "--admin-host must be an IP address, got " + admin_host);
  }
  std::optional<std::string_view> level;
  if (flags.given("zap-log-level")) level = zap_log_level;
  POINTSMAN_TRY(threshold, pointsman::log_threshold(verbosity, level));
  log_threshold = threshold;

  if (auto record_good = finish_record(); !record_good) return record_good;

  warnings = flags.warnings();
  if (refresh_metrics_interval < kFastestScrape) {
    warnings.push_back("--refresh-metrics-interval " + format_duration(refresh_metrics_interval) +
                       " is raised to 50ms");
    refresh_metrics_interval = kFastestScrape;
  }
  if (metrics_endpoint_auth && admin_host.empty()) {
    warnings.emplace_back(
        "--metrics-endpoint-auth needs Kubernetes, which this build lacks: the metrics port is "
        "bound "
        "to loopback; --metrics-endpoint-auth=false opens it to everybody");
  }
  if (pool_namespace.empty()) {
    pool_namespace = environment("NAMESPACE").value_or("");
    pool_namespace_defaulted = pool_namespace.empty();
    if (pool_namespace_defaulted) pool_namespace = "default";
  }
  return {};
}

Result<std::int64_t> parse_size(std::string_view flag, std::string_view text) {
  const std::string name(flag);
  std::string_view number = trim(text, kAnyBlank);
  if (number.empty()) return 0;
  if (number.size() > 1 && (number.back() == 'B' || number.back() == 'b')) number.remove_suffix(1);
  const auto quantity = parse_quantity(number);
  if (!quantity) {
    return fail(Code::invalid_config, "invalid " + name + ": " + quantity.error().message);
  }
  if (!quantity->exact) {
    return fail(Code::invalid_config,
                name + " overflows maximum supported size: " + std::string(text));
  }
  if (*quantity->exact < 0) {
    return fail(Code::invalid_config,
                name + " must be non-negative, got " + std::to_string(*quantity->exact));
  }
  return *quantity->exact;
}

Result<void> check_port(std::string_view flag, int port) {
  if (port >= 0 && port <= 65'535) return {};
  return fail(
      Code::invalid_config,
      "--" + std::string(flag) + " must be between 0 and 65535, got " + std::to_string(port));
}

}  // namespace pointsman
