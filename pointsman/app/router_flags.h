#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pointsman/app/flags.h"
#include "pointsman/base/result.h"
#include "pointsman/engine/keep_rules.h"

namespace pointsman {

// Reads an environment variable; none if it is not set. A parameter, so that tests set their own.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// Flags that `epp` and `serve` share (spec/02 section 7.2).
struct RouterFlags {
  std::string pool_name;
  std::string pool_namespace;  // after finish(): never empty
  std::string config_file;
  std::string config_text;
  bool watch_config = false;  // take over changes of config_file
  std::string resources_file;
  bool allow_experimental_plugins = false;
  std::string max_inflight_size = "1Gi";
  int workers = 0;                                                    // 0: one per core
  std::chrono::nanoseconds drain_timeout = std::chrono::seconds(30);  // not ready, yet accepting
  std::chrono::nanoseconds drain_limit = std::chrono::seconds(120);   // for open requests, after it
  std::chrono::nanoseconds refresh_metrics_interval = std::chrono::milliseconds(50);
  std::chrono::nanoseconds refresh_prometheus_metrics_interval = std::chrono::seconds(5);
  std::chrono::nanoseconds metrics_staleness_threshold = std::chrono::seconds(2);
  int metrics_port = 9090;
  bool metrics_endpoint_auth = true;
  std::string admin_host;        // empty: by metrics_endpoint_auth
  std::string admin_token_file;  // empty: private pages are for this machine only
  std::string record;            // folder; empty: nothing is recorded
  std::string record_file_size = "256Mi";
  int record_files = 16;
  std::string keep;  // rules, such as slow,1/100; empty: none
  std::chrono::nanoseconds keep_slow = std::chrono::seconds(2);
  bool trace_decision_matrix = false;
  bool tracing = true;
  int verbosity = 2;
  std::string zap_log_level;

  // Set by finish().
  int log_threshold = 2;                  // for Log
  bool pool_namespace_defaulted = false;  // neither flag nor NAMESPACE
  std::vector<std::string> warnings;      // each to be logged once
  std::string processed;                  // all flags, for the log; set by the command line
  std::uint64_t max_inflight_bytes = 0;   // 0: no limit
  std::uint64_t record_file_bytes = 0;
  KeepRules keep_rules;

  void declare_configuration(FlagSet& flags);
  void declare_memory(FlagSet& flags);
  void declare_scraping(FlagSet& flags);
  void declare_admin(FlagSet& flags);
  void declare_logging(FlagSet& flags);
  void declare_record(FlagSet& flags);

  // Error if the configuration is given twice.
  Result<void> check_one_configuration() const;
  // Checks what declare_record() declared; called by finish().
  Result<void> finish_record();
  // Completes and checks what is shared, after the flags were read.
  // Errors: invalid_config, the texts of spec/02 section 7.4.
  Result<void> finish(const FlagSet& flags, const Environment& environment);
};

// `text` as bytes (spec/02 section 7.3): a Kubernetes quantity with an optional last B; empty is 0.
// `flag` stands in the errors as it is; where the reference has the flag, it writes no dashes.
// Errors: invalid_config.
Result<std::int64_t> parse_size(std::string_view flag, std::string_view text);

// Error unless 0 <= `port` <= 65535.
Result<void> check_port(std::string_view flag, int port);

}  // namespace pointsman
