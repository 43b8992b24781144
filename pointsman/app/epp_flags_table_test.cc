// Every flag of the reference (spec/02 section 7.2), one row each: its default, and what becomes of
// it here. A flag either does what it does there, or is accepted with a warning that says why it
// changes nothing, or is refused because ignoring it would harm.
#include <chrono>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "pointsman/app/epp_flags.h"

namespace pointsman {
namespace {

enum class Fate {
  works,    // `took` says that it arrived
  agreed,   // has no effect in the reference either: accepted without a word
  warns,    // accepted; a warning names it
  refused,  // an error names it
};

struct Row {
  const char* name = "";
  const char* value = "";          // not the default
  const char* shown_default = "";  // in the help; "": none
  Fate fate = Fate::works;
  bool (*took)(const EppFlags&) = nullptr;
};

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Row kTable[] = {
    {"grpc-port", "1", "9002", Fate::works, [](auto& f) { return f.grpc_port == 1; }},
    {"ha-enable-leader-election", "true", "", Fate::warns},
    {"drain-timeout", "5s", "30s", Fate::works,
     [](auto& f) { return f.router.drain_timeout == seconds(5); }},
    {"drain-limit", "5s", "2m0s", Fate::works,
     [](auto& f) { return f.router.drain_limit == seconds(5); }},
    {"admin-host", "127.0.0.2", "", Fate::works,
     [](auto& f) { return f.router.admin_host == "127.0.0.2"; }},
    {"admin-token-file", "f", "", Fate::works,
     [](auto& f) { return f.router.admin_token_file == "f"; }},
    {"grpc-max-recv-msg-size", "10Mi", "", Fate::works,
     [](auto& f) { return f.max_receive_bytes == 10 << 20; }},
    {"grpc-max-send-msg-size", "10Mi", "", Fate::warns},
    {"pool-group", "x", "inference.networking.k8s.io", Fate::warns},
    {"pool-namespace", "n", "", Fate::works,
     [](auto& f) { return f.router.pool_namespace == "n"; }},
    {"pool-name", "q", "", Fate::works, [](auto& f) { return f.router.pool_name == "q"; }},
    // In place of --pool-name: the tests of contradictions have it alone.
    {"endpoint-selector", "", "", Fate::warns},
    {"endpoint-target-ports", "8000,8001", "", Fate::warns},
    {"disable-endpoint-subset-filter", "true", "", Fate::works,
     [](auto& f) { return f.disable_endpoint_subset_filter; }},
    {"emit-endpoint-scores", "true", "", Fate::works,
     [](auto& f) { return f.emit_endpoint_scores; }},
    {"refresh-metrics-interval", "100ms", "50ms", Fate::works,
     [](auto& f) { return f.router.refresh_metrics_interval == milliseconds(100); }},
    {"refresh-prometheus-metrics-interval", "1s", "5s", Fate::works,
     [](auto& f) { return f.router.refresh_prometheus_metrics_interval == seconds(1); }},
    {"metrics-staleness-threshold", "1s", "2s", Fate::works,
     [](auto& f) { return f.router.metrics_staleness_threshold == seconds(1); }},
    {"total-queued-requests-metric", "x", "vllm:num_requests_waiting", Fate::refused},
    {"total-running-requests-metric", "x", "vllm:num_requests_running", Fate::refused},
    {"kv-cache-usage-percentage-metric", "x", "vllm:kv_cache_usage_perc", Fate::refused},
    {"lora-info-metric", "x", "vllm:lora_requests_info", Fate::refused},
    {"cache-info-metric", "x", "vllm:cache_config_info", Fate::refused},
    {"v", "4", "2", Fate::works, [](auto& f) { return f.router.log_threshold == 4; }},
    {"zap-devel", "false", "true", Fate::agreed},
    {"zap-encoder", "console", "", Fate::agreed},
    {"zap-log-level", "error", "", Fate::works, [](auto& f) { return f.router.log_threshold < 0; }},
    {"zap-stacktrace-level", "error", "", Fate::agreed},
    {"zap-time-encoding", "iso8601", "", Fate::agreed},
    {"tracing", "false", "true", Fate::works, [](auto& f) { return !f.router.tracing; }},
    {"health-checking", "true", "", Fate::works, [](auto& f) { return f.health_checking; }},
    {"metrics-port", "1", "9090", Fate::works, [](auto& f) { return f.router.metrics_port == 1; }},
    {"grpc-health-port", "1", "9003", Fate::works, [](auto& f) { return f.grpc_health_port == 1; }},
    {"enable-pprof", "false", "true", Fate::warns},
    {"cert-path", "/d", "", Fate::works, [](auto& f) { return f.cert_path == "/d"; }},
    // Without --cert-path there is nothing to reload; with it: EppFlags.WarnOfIdleTls.
    {"enable-cert-reload", "true", "", Fate::warns},
    {"enable-grpc-stream-metrics", "true", "", Fate::works,
     [](auto& f) { return f.enable_grpc_stream_metrics; }},
    {"secure-serving", "false", "true", Fate::works, [](auto& f) { return !f.secure_serving; }},
    {"tls-min-version", "VersionTLS13", "", Fate::works,
     [](auto& f) { return f.min_tls_version == TlsVersion::v1_3; }},
    {"tls-cipher-suites", "TLS_AES_128_GCM_SHA256", "", Fate::works,
     [](auto& f) { return f.tls_cipher_suites.size() == 1; }},
    {"metrics-endpoint-auth", "false", "true", Fate::works,
     [](auto& f) { return !f.router.metrics_endpoint_auth; }},
    {"metrics-client-ca-file", "/dev/null", "", Fate::refused},
    {"metrics-cert-dir", "/nonexistent", "", Fate::refused},
    {"config-file", "f", "", Fate::works, [](auto& f) { return f.router.config_file == "f"; }},
    {"config-text", "t", "", Fate::works, [](auto& f) { return f.router.config_text == "t"; }},
    {"allow-experimental-plugins", "true", "", Fate::works,
     [](auto& f) { return f.router.allow_experimental_plugins; }},
};

// Flags that the reference does not have.
constexpr std::string_view kOurs[] = {
    "workers",        "decision-header",   "watch-config",
    "record",         "record-files",      "record-file-size",
    "keep",           "keep-slow",         "trace-decision-matrix",
    "resources-file", "max-inflight-bytes"};

// The entries of the help by flag: a line that begins with a flag, and the lines of its sentence.
std::map<std::string, std::string, std::less<>> entries_of_help() {
  EppFlags flags;
  FlagSet set("epp", "Picker.");
  flags.declare(set);
  std::istringstream page(set.help());
  std::map<std::string, std::string, std::less<>> entries;
  std::string name;
  for (std::string line; std::getline(page, line);) {
    const bool begins = line.starts_with("      --") || line.starts_with("  -v, --");
    if (begins) name = line.substr(8, line.find(' ', 8) - 8);
    if (!line.starts_with(' ') || line.starts_with("  -h")) name.clear();
    if (!name.empty()) entries[name] += line + " ";
  }
  return entries;
}

TEST(EppFlagsTable, HoldsEveryFlagOfTheHelpAndNoOther) {
  std::set<std::string> listed(std::begin(kOurs), std::end(kOurs));
  for (const Row& row : kTable) EXPECT_TRUE(listed.insert(row.name).second) << row.name;
  std::set<std::string> declared;
  for (const auto& [name, entry] : entries_of_help()) declared.insert(name);
  EXPECT_EQ(declared, listed);
}

TEST(EppFlagsTable, ShowsTheDefaultsOfTheReference) {
  const auto entries = entries_of_help();
  for (const Row& row : kTable) {
    const std::string& entry = entries.at(row.name);
    if (*row.shown_default == '\0') {
      EXPECT_FALSE(entry.contains('[')) << entry;
    } else {
      EXPECT_TRUE(entry.contains("[" + std::string(row.shown_default) + "]")) << entry;
    }
  }
}

TEST(EppFlagsTable, SaysOfEachFlagWhatBecomesOfIt) {
  for (const Row& row : kTable) {
    const std::string word = "--" + std::string(row.name) + "=" + row.value;
    EppFlags flags;
    FlagSet set("epp", "Picker.");
    flags.declare(set);
    const std::vector<std::string_view> words{"--pool-name=p", "--metrics-endpoint-auth=false",
                                              word};
    auto done = set.parse(words);
    if (done) done = flags.finish(set, [](auto) { return std::nullopt; });
    const auto& warnings = flags.router.warnings;
    if (row.fate == Fate::refused) {
      ASSERT_FALSE(done) << row.name;
      EXPECT_TRUE(done.error().message.contains(row.name) ||
                  done.error().message.contains("metrics TLS cert file unreadable"))
          << done.error().message;
      continue;
    }
    EXPECT_TRUE(done) << row.name << ": " << done.error().message;
    if (row.fate == Fate::warns) {
      ASSERT_EQ(warnings.size(), 1U) << row.name;
      EXPECT_TRUE(warnings[0].starts_with("--" + std::string(row.name) + " has no effect: "))
          << warnings[0];
      continue;
    }
    EXPECT_EQ(warnings, std::vector<std::string>()) << row.name;
    if (row.fate == Fate::works) {
      EXPECT_TRUE(row.took(flags)) << row.name;
    }
  }
}

}  // namespace
}  // namespace pointsman
