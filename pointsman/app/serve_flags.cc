#include "pointsman/app/serve_flags.h"

#include <charconv>
#include <utility>

#include "pointsman/edge/http/retry.h"
#include "pointsman/wire/address.h"

namespace pointsman {
namespace {

// Whether an exporter is configured by the standard variables.
bool exporter_set(const Environment& environment) {
  for (const char* name : {"OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT",
                           "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}) {
    if (!environment(name).value_or("").empty()) return true;
  }
  return false;
}

}  // namespace

void ServeFlags::declare(FlagSet& flags) {
  router.tracing = false;  // finish() looks at the environment
  router.drain_timeout = std::chrono::seconds(5);
  declare_clients(flags);
  declare_servers(flags);
  declare_failures(flags);
  flags.group("Configuration");
  router.declare_configuration(flags);
  flags.group("Metrics and admin port");
  router.declare_admin(flags);
  flags.group("Logs and traces");
  router.declare_logging(flags);
  flags.group("Decisions");
  router.declare_record(flags);
}

void ServeFlags::declare_clients(FlagSet& flags) {
  flags.group("Clients' side");
  flags.add({.name = "port", .value = "PORT", .help = "Where clients connect."}, port);
  flags.add({.name = "host",
             .value = "ADDRESS",
             .help = "Address to listen on; 0.0.0.0 or :: opens the router to the network."},
            host);
  flags.add({.name = "cert-path",
             .value = "DIR",
             .help = "Directory with tls.crt and tls.key: clients connect with TLS."},
            cert_path);
  flags.add({.name = "enable-cert-reload",
             .help = "Show new connections what comes to stand in --cert-path, without a restart."},
            enable_cert_reload);
  flags.add({.name = "api-key-file",
             .value = "FILE",
             .help = "Keys, one a line, of which clients must send one as bearer token; taken up "
                     "again whenever the file changes."},
            api_key_file);
  flags.add({.name = "max-connections",
             .value = "N",
             .help = "Connections of clients open at one time; more wait to be accepted."},
            max_connections);
  flags.add({.name = "max-body-bytes",
             .value = "SIZE",
             .help = "Largest body of a request; a larger one is answered with 413."},
            max_body_size);
  router.declare_memory(flags);
}

void ServeFlags::declare_servers(FlagSet& flags) {
  flags.group("Model servers' side");
  flags.add(
      {.name = "endpoint",
       .value = "URL",
       .help = "A model server, such as http://10.0.0.1:8000; repeat the flag for each. h2c:// "
               "in place of http:// speaks HTTP/2 with it."},
      endpoints);
  flags.add({.name = "endpoints-file",
             .value = "FILE",
             .help = "Model servers as a list in YAML, taken up again whenever the file changes."},
            endpoints_file);
  flags.add({.name = "model-routing",
             .help = "Learn which models each server serves (its /v1/models, its LoRA adapters, or "
                     "a label `models`), send a request only to those that serve its model, answer "
                     "404 when none does, and answer /v1/models for all of them."},
            model_routing);
  flags.add({.name = "upstream-ca-file",
             .value = "FILE",
             .help = "PEM certificates that sign those of https:// servers; otherwise the "
                     "system's."},
            upstream_ca_file);
  flags.add({.name = "upstream-api-key-file",
             .value = "FILE",
             .help = "The key to send to model servers as bearer token; otherwise the client's "
                     "Authorization passes."},
            upstream_api_key_file);
  router.declare_scraping(flags);
}

void ServeFlags::declare_failures(FlagSet& flags) {
  flags.group("Failing model servers");
  flags.add({.name = "retries",
             .value = "N",
             .help = "Other servers to try when one cannot be connected to, or closes a kept "
                     "connection before it answers; at most a tenth of all requests is tried "
                     "again, and never one whose answer has begun."},
            retries);
  flags.add({.name = "retry-on",
             .value = "LIST",
             .help = "What to try again besides: statuses such as 502,503,504, and timeout, no "
                     "first byte in time. The server may have begun to work on such a request."},
            retry_on);
  flags.add({.name = "connect-timeout",
             .value = "DURATION",
             .help = "For a connection to a server, with its TLS handshake."},
            connect_timeout);
  flags.add({.name = "first-byte-timeout",
             .value = "DURATION",
             .help = "From sending a request to the first byte of its answer; 0 is no limit."},
            first_byte_timeout);
  flags.add({.name = "idle-timeout",
             .value = "DURATION",
             .help = "Between two pieces of an answer; 0 is no limit."},
            idle_timeout);
  flags.add({.name = "request-timeout",
             .value = "DURATION",
             .help = "From sending a request to the end of its answer; 0 is no limit."},
            request_timeout);
  flags.add({.name = "max-requests-per-endpoint",
             .value = "N",
             .help = "Requests that one server may have from this router at one time; a server "
                     "that has as many is left out, and when all have, the answer is 503. 0 is no "
                     "limit."},
            max_requests_per_endpoint);
  flags.add({.name = "eject-after",
             .value = "N",
             .help = "Failures in a row (or 3 refused connections) after which a server gets no "
                     "requests for a while, unless no other is left; 0 is never."},
            eject_after);
  flags.add({.name = "eject-for",
             .value = "DURATION",
             .help = "How long; doubled each time that it goes on failing, up to 5 minutes."},
            eject_for);
}

Result<void> ServeFlags::finish_limits() {
  if (max_connections < 1 || max_connections > 1'000'000) {
    return wrong("--max-connections must be between 1 and 1000000, got " +
                 std::to_string(max_connections));
  }
  POINTSMAN_TRY(body, parse_size("--max-body-bytes", max_body_size));
  if (body == 0) return wrong("--max-body-bytes must be positive");
  max_body_bytes = static_cast<std::uint64_t>(body);
  return {};
}

Result<void> ServeFlags::finish_failures() {
  constexpr int kMost = RetryOptions::kMost;
  if (retries < 0 || retries > kMost) {
    return wrong("--retries must be between 0 and " + std::to_string(kMost) + ", got " +
                 std::to_string(retries));
  }
  for (const std::string& word : retry_on) {
    if (word == "timeout") {
      retry_timeouts = true;
      continue;
    }
    std::size_t status = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), status);
    if (error != std::errc() || end != word.data() + word.size() || status < 400 || status > 599) {
      return wrong("--retry-on takes statuses from 400 to 599 and timeout, got " + word);
    }
    retry_statuses.set(status);
  }
  for (const auto& [name, limit] : {std::pair("--first-byte-timeout", first_byte_timeout),
                                    std::pair("--idle-timeout", idle_timeout),
                                    std::pair("--request-timeout", request_timeout)}) {
    if (limit.count() < 0) return wrong(std::string(name) + " must not be negative");
  }
  if (connect_timeout.count() <= 0) return wrong("--connect-timeout must be positive");
  if (max_requests_per_endpoint < 0)
    return wrong("--max-requests-per-endpoint must not be negative");
  if (eject_after < 0) return wrong("--eject-after must not be negative");
  if (eject_for.count() <= 0) return wrong("--eject-for must be positive");
  return {};
}

Result<void> ServeFlags::finish(const FlagSet& flags, const Environment& environment) {
  if (!endpoints.empty() && !endpoints_file.empty()) {
    return wrong("--endpoint and --endpoints-file exclude each other");
  }
  if (auto good = check_port("port", port); !good) return good;
  if (!Address::parse(host, 0)) return wrong("--host must be an IP address, got " + host);
  if (auto good = finish_limits(); !good) return good;
  if (auto good = finish_failures(); !good) return good;
  if (auto done = router.finish(flags, environment); !done) return done;
  if (!flags.given("tracing")) router.tracing = exporter_set(environment);
  // The default is right for a router on its own; only who asks for it needs to hear of it.
  if (!flags.given("metrics-endpoint-auth")) {
    std::erase_if(router.warnings, [](const std::string& warning) {
      return warning.starts_with("--metrics-endpoint-auth");
    });
  }
  return {};
}

}  // namespace pointsman
