#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "pointsman/app/router_flags.h"
#include "pointsman/base/result.h"

namespace pointsman {

// The command line of `pointsman serve`, the standalone router.
struct ServeFlags {
  RouterFlags router;  // tracing: true if asked for, or if an exporter is set in the environment
  int port = 8080;
  std::string host = "127.0.0.1";
  std::string cert_path;  // directory with tls.crt and tls.key; empty: no TLS
  bool enable_cert_reload = true;
  std::string api_key_file;
  int max_connections = 16 * 1024;
  std::string max_body_size = "64Mi";

  std::vector<std::string> endpoints;  // URLs
  std::string endpoints_file;
  bool model_routing = true;
  std::string upstream_ca_file;
  std::string upstream_api_key_file;

  int retries = 2;
  std::vector<std::string> retry_on;
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
  std::chrono::nanoseconds first_byte_timeout = std::chrono::minutes(10);
  std::chrono::nanoseconds idle_timeout = std::chrono::minutes(5);
  std::chrono::nanoseconds request_timeout = std::chrono::hours(1);
  int max_requests_per_endpoint = 0;  // 0: no limit
  int eject_after = 5;
  std::chrono::nanoseconds eject_for = std::chrono::seconds(5);

  // Set by finish().
  std::uint64_t max_body_bytes = 0;
  std::bitset<600> retry_statuses;
  bool retry_timeouts = false;

  void declare(FlagSet& flags);
  Result<void> finish(const FlagSet& flags, const Environment& environment);

 private:
  void declare_clients(FlagSet& flags);
  void declare_servers(FlagSet& flags);
  void declare_failures(FlagSet& flags);
  Result<void> finish_limits();
  Result<void> finish_failures();
};

}  // namespace pointsman
