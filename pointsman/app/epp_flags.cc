#include "pointsman/app/epp_flags.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "pointsman/base/text.h"
#include "pointsman/config/label_selector.h"
#include "pointsman/config/node.h"

namespace pointsman {
namespace {

constexpr std::string_view kNoKubernetes = "Kubernetes comes later";

constexpr std::array<std::pair<std::string_view, TlsVersion>, 4> kTlsVersions = {{
    {"VersionTLS10", TlsVersion::v1_0},
    {"VersionTLS11", TlsVersion::v1_1},
    {"VersionTLS12", TlsVersion::v1_2},
    {"VersionTLS13", TlsVersion::v1_3},
}};

// IANA names as Go's crypto/tls spells them (spec/02 section 7.4).
constexpr std::array<std::string_view, 25> kCipherSuites = {
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
};

// In any case of letters, as controller-runtime reads them.
template <std::size_t N>
Result<void> one_of(std::string_view what, std::string_view text,
                    const std::array<std::string_view, N>& known) {
  if (std::ranges::find(known, to_lower(text)) != known.end()) return {};
  std::string message(what);
  message += ' ';
  message += in_quotes(text);
  return fail(Code::invalid_config, message);
}

Result<void> known_encoder(std::string_view text) {
  return one_of("invalid encoder value", text, std::array<std::string_view, 2>{"json", "console"});
}
Result<void> known_stacktrace_level(std::string_view text) {
  return one_of("invalid stacktrace level", text,
                std::array<std::string_view, 3>{"info", "error", "panic"});
}
// controller-runtime's help says nano, its code nanos.
Result<void> known_time_encoding(std::string_view text) {
  return one_of("invalid time-encoding value", text,
                std::array<std::string_view, 7>{"epoch", "millis", "nano", "nanos", "iso8601",
                                                "rfc3339", "rfc3339nano"});
}

Result<void> readable(const std::string& path) {
  errno = 0;
  const std::ifstream file(path);
  if (file) return {};
  std::string reason = std::generic_category().message(errno);
  if (reason.front() >= 'A' && reason.front() <= 'Z') reason.front() += 'a' - 'A';
  return fail(Code::invalid_config,
              "metrics TLS cert file unreadable: " + path + ": stat " + path + ": " + reason);
}

}  // namespace

void EppFlags::declare(FlagSet& flags) {
  flags.group("Configuration");
  router.declare_configuration(flags);
  flags.group("Envoy's side");
  declare_envoy(flags);
  flags.group("TLS towards Envoy");
  declare_tls(flags);
  flags.group("Model servers' side");
  router.declare_scraping(flags);
  flags.group("Metrics and admin port");
  router.declare_admin(flags);
  flags.add({.name = "metrics-cert-dir",
             .value = "DIR",
             .help = "tls.crt and tls.key of the metrics port.",
             .refused = "the metrics port would be served without TLS"},
            metrics_cert_dir);
  flags.add({.name = "metrics-client-ca-file",
             .value = "FILE",
             .help = "Require client certificates on the metrics port.",
             .refused = "the metrics port would be served without TLS"},
            metrics_client_ca_file);
  flags.add({.name = "enable-pprof", .help = "Go's profiling pages.", .idle = "they are Go's own"},
            enable_pprof);
  flags.group("Logs and traces");
  router.declare_logging(flags);
  flags.group("Decisions");
  router.declare_record(flags);
  flags.group("Kubernetes, which this build lacks");
  declare_kubernetes(flags);
  flags.group("Accepted for compatibility");
  declare_without_effect(flags);
}

void EppFlags::declare_envoy(FlagSet& flags) {
  flags.add(
      {.name = "grpc-port", .value = "PORT", .help = "Where Envoy's ext_proc filter connects."},
      grpc_port);
  flags.add({.name = "grpc-health-port",
             .value = "PORT",
             .help = "gRPC health service, never with TLS; SERVING once endpoints are known."},
            grpc_health_port);
  flags.add({.name = "health-checking",
             .help = "gRPC health on the ext_proc port as well; always on here."},
            health_checking);
  flags.add({.name = "decision-header",
             .help = "Add x-pointsman-decision to responses; see `pointsman why`."},
            decision_header);
  flags.add({.name = "emit-endpoint-scores",
             .help = "Send the endpoints' scores to Envoy as dynamic metadata."},
            emit_endpoint_scores);
  flags.add({.name = "disable-endpoint-subset-filter",
             .help = "Ignore the gateway's hint which endpoints to consider."},
            disable_endpoint_subset_filter);
  flags.add({.name = "grpc-max-recv-msg-size",
             .value = "SIZE",
             .help = "Largest message from Envoy, such as 10Mi; 4 MiB when empty or 0."},
            grpc_max_recv_msg_size);
  router.declare_memory(flags);
  flags.add({.name = "grpc-max-send-msg-size",
             .value = "SIZE",
             .help = "Largest message to Envoy.",
             .idle = "messages to Envoy are bounded by what it sent"},
            grpc_max_send_msg_size);
  flags.add(
      {.name = "enable-grpc-stream-metrics",
       .help = "Metrics llm_d_epp_extproc_stream*: how many ext_proc streams are open, how long "
               "they were, how they ended."},
      enable_grpc_stream_metrics);
}

void EppFlags::declare_tls(FlagSet& flags) {
  flags.add(
      {.name = "secure-serving",
       .help = "TLS on the ext_proc port, with a self-signed key unless --cert-path is given."},
      secure_serving);
  flags.add({.name = "cert-path", .value = "DIR", .help = "Directory with tls.crt and tls.key."},
            cert_path);
  flags.add({.name = "enable-cert-reload",
             .help = "Show new connections what comes to stand in --cert-path, without a restart."},
            enable_cert_reload);
  flags.add(
      {.name = "tls-min-version",
       .value = "VERSION",
       .help = "VersionTLS10, VersionTLS11, VersionTLS12 or VersionTLS13; TLS 1.2 when empty."},
      tls_min_version);
  flags.add({.name = "tls-cipher-suites",
             .value = "NAMES",
             .help = "IANA names, of TLS 1.2 and below; OpenSSL's choice when empty."},
            tls_cipher_suites);
}

void EppFlags::declare_kubernetes(FlagSet& flags) {
  flags.add({.name = "pool-group",
             .value = "GROUP",
             .help = "API group of the InferencePool.",
             .idle = kNoKubernetes},
            pool_group);
  flags.add({.name = "endpoint-selector",
             .value = "SELECTOR",
             .help = "Labels of the pods to route to, in place of --pool-name.",
             .idle = kNoKubernetes},
            endpoint_selector);
  flags.add({.name = "endpoint-target-ports",
             .value = "PORTS",
             .help = "Their ports, 1 to 8 of them.",
             .idle = kNoKubernetes},
            endpoint_target_ports);
  flags.add({.name = "ha-enable-leader-election",
             .help = "Serve only while holding the lease.",
             .idle = kNoKubernetes},
            ha_enable_leader_election);
}

void EppFlags::declare_without_effect(FlagSet& flags) {
  flags.add({.name = "zap-devel", .help = "Logs are always JSON lines."}, zap_devel);
  flags.add({.name = "zap-encoder",
             .value = "NAME",
             .help = "json or console; always json.",
             .check = known_encoder},
            zap_encoder);
  flags.add({.name = "zap-stacktrace-level",
             .value = "LEVEL",
             .help = "info, error or panic.",
             .check = known_stacktrace_level},
            zap_stacktrace_level);
  flags.add({.name = "zap-time-encoding",
             .value = "NAME",
             .help = "epoch, millis, nanos, iso8601, rfc3339 or rfc3339nano; always epoch.",
             .check = known_time_encoding},
            zap_time_encoding);
  constexpr std::string_view kGone = "Refused: name metrics by engineConfigs of the configuration.";
  const auto metric = [&](std::string_view name, std::string& target) {
    flags.add({.name = name, .value = "NAME", .help = kGone, .in_log = InLog::nothing}, target);
  };
  metric("total-queued-requests-metric", total_queued_requests_metric);
  metric("total-running-requests-metric", total_running_requests_metric);
  metric("kv-cache-usage-percentage-metric", kv_cache_usage_percentage_metric);
  metric("lora-info-metric", lora_info_metric);
  metric("cache-info-metric", cache_info_metric);
}

Result<void> EppFlags::finish(const FlagSet& flags, const Environment& environment) {
  if (auto done = complete(); !done) return done;
  if (auto valid = validate(flags); !valid) return valid;
  if (auto done = router.finish(flags, environment); !done) return done;
  warn_of_idle_tls();
  return flags.check_refused();
}

void EppFlags::warn_of_idle_tls() {
  if (!secure_serving && !cert_path.empty()) {
    router.warnings.emplace_back("--cert-path has no effect: --secure-serving is false");
  } else if (enable_cert_reload && cert_path.empty()) {
    router.warnings.emplace_back(
        "--enable-cert-reload has no effect: there is no --cert-path to watch");
  }
}

Result<void> EppFlags::complete() {
  if (!endpoint_selector.empty()) {
    if (const auto selector = LabelSelector::parse(endpoint_selector); !selector) {
      return fail(Code::invalid_config, "invalid endpoint-selector " +
                                            in_quotes(endpoint_selector) + ": " +
                                            selector.error().message);
    }
  }
  std::set<int> seen;
  std::erase_if(endpoint_target_ports, [&](int port) { return !seen.insert(port).second; });

  POINTSMAN_TRY(receive, parse_size("grpc-max-recv-msg-size", grpc_max_recv_msg_size));
  POINTSMAN_TRY(send, parse_size("grpc-max-send-msg-size", grpc_max_send_msg_size));
  if (receive > 0) max_receive_bytes = receive;
  if (send > 0) max_send_bytes = send;

  std::vector<std::string> files;
  if (!metrics_client_ca_file.empty()) files.push_back(metrics_client_ca_file);
  if (!metrics_cert_dir.empty()) {
    files.push_back(metrics_cert_dir + "/tls.crt");
    files.push_back(metrics_cert_dir + "/tls.key");
  }
  for (const std::string& file : files) {
    if (auto good = readable(file); !good) return good;
  }

  if (!tls_min_version.empty()) {
    const auto known = std::ranges::find(kTlsVersions, std::string_view(tls_min_version),
                                         [](const auto& each) { return each.first; });
    if (known == kTlsVersions.end()) {
      const std::string name = in_quotes(tls_min_version);
      return fail(Code::invalid_config,
                  "invalid tls-min-version " + name + ": unknown TLS version " + name +
                      "; supported values: VersionTLS10, VersionTLS11, VersionTLS12, VersionTLS13");
    }
    min_tls_version = known->second;
  }
  for (std::string& suite : tls_cipher_suites) suite = std::string(trim(suite, " "));
  std::erase(tls_cipher_suites, "");
  for (const std::string& suite : tls_cipher_suites) {
    if (std::ranges::find(kCipherSuites, suite) != kCipherSuites.end()) continue;
    return fail(Code::invalid_config,
                "invalid tls-cipher-suites: unknown cipher suite " + in_quotes(suite));
  }
  return {};
}

Result<void> EppFlags::validate(const FlagSet& flags) {
  if (router.pool_name.empty() == endpoint_selector.empty()) {
    return fail(Code::invalid_config, "either pool-name or endpoint-selector must be set");
  }
  const std::size_t ports = endpoint_target_ports.size();
  if (!endpoint_selector.empty() && (ports < 1 || ports > 8)) {
    return fail(Code::invalid_config,
                R"(flag "endpoint-target-ports" should have length from 1 to 8)");
  }
  for (const int port : endpoint_target_ports) {
    if (port >= 1 && port <= 65'535) continue;
    return fail(Code::invalid_config,
                "invalid port number " + std::to_string(port) + R"( in "endpoint-target-ports")");
  }
  if (auto one = router.check_one_configuration(); !one) return one;
  if (!metrics_client_ca_file.empty() && metrics_cert_dir.empty()) {
    return fail(Code::invalid_config, R"("metrics-client-ca-file" requires "metrics-cert-dir")");
  }
  if (!metrics_cert_dir.empty() && metrics_client_ca_file.empty() &&
      !router.metrics_endpoint_auth) {
    return fail(Code::invalid_config,
                R"("metrics-cert-dir" enables metrics TLS without authentication; set )"
                R"("metrics-client-ca-file" or "metrics-endpoint-auth")");
  }
  for (const char* name :
       {"total-queued-requests-metric", "total-running-requests-metric",
        "kv-cache-usage-percentage-metric", "lora-info-metric", "cache-info-metric"}) {
    if (!flags.given(name)) continue;
    return fail(Code::invalid_config,
                "flag " + in_quotes(name) +
                    " is deprecated and cannot be used; configure metrics via "
                    "engineConfigs in EndpointPickerConfig instead");
  }
  if (auto port = check_port("grpc-port", grpc_port); !port) return port;
  return check_port("grpc-health-port", grpc_health_port);
}

}  // namespace pointsman
