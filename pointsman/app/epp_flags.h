#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pointsman/app/flags.h"
#include "pointsman/app/router_flags.h"
#include "pointsman/base/result.h"
#include "pointsman/wire/tls.h"

namespace pointsman {

// The command line of `pointsman epp`: every flag of the reference (spec/02 section 7.2), so that
// its launch scripts run unchanged, and a few of our own.
struct EppFlags {
  RouterFlags router;

  int grpc_port = 9002;
  int grpc_health_port = 9003;
  bool health_checking = false;
  bool disable_endpoint_subset_filter = false;
  bool emit_endpoint_scores = false;
  bool decision_header = false;
  bool enable_grpc_stream_metrics = false;
  std::string grpc_max_recv_msg_size;
  std::string grpc_max_send_msg_size;

  bool secure_serving = true;
  std::string cert_path;
  bool enable_cert_reload = false;
  std::string tls_min_version;
  std::vector<std::string> tls_cipher_suites;  // after finish(): trimmed, known names

  std::string metrics_client_ca_file;
  std::string metrics_cert_dir;
  bool enable_pprof = true;

  std::string pool_group = "inference.networking.k8s.io";
  std::string endpoint_selector;
  std::vector<int> endpoint_target_ports;  // after finish(): each once
  bool ha_enable_leader_election = false;

  // Accepted by the reference without an effect.
  bool zap_devel = true;
  std::string zap_encoder;
  std::string zap_stacktrace_level;
  std::string zap_time_encoding;
  // Refused by the reference when given.
  std::string total_queued_requests_metric = "vllm:num_requests_waiting";
  std::string total_running_requests_metric = "vllm:num_requests_running";
  std::string kv_cache_usage_percentage_metric = "vllm:kv_cache_usage_perc";
  std::string lora_info_metric = "vllm:lora_requests_info";
  std::string cache_info_metric = "vllm:cache_config_info";

  // Set by finish().
  std::int64_t max_receive_bytes = std::int64_t{4} << 20;  // of one gRPC message
  std::int64_t max_send_bytes = (std::int64_t{1} << 31) - 1;
  TlsVersion min_tls_version = TlsVersion::v1_2;

  // Declares every flag; `flags` refers to this object afterwards.
  void declare(FlagSet& flags);

  // Completion, then validation, in the order and with the texts of spec/02 sections 7.3 and 7.4;
  // then what this build refuses. The first error wins.
  Result<void> finish(const FlagSet& flags, const Environment& environment);

 private:
  void declare_envoy(FlagSet& flags);
  void declare_tls(FlagSet& flags);
  void declare_kubernetes(FlagSet& flags);
  void declare_without_effect(FlagSet& flags);
  Result<void> complete();
  void warn_of_idle_tls();
  Result<void> validate(const FlagSet& flags);
};

}  // namespace pointsman
