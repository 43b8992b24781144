#include "pointsman/fleet/metrics_data_source.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/config/duration.h"
#include "pointsman/fleet/text_file.h"

namespace pointsman {
namespace {

constexpr std::size_t kMaxPem = std::size_t{4} << 20U;

Result<std::chrono::nanoseconds> parse_interval(const std::string& text) {
  if (text.empty()) return std::chrono::nanoseconds(0);
  auto interval = parse_duration(text);
  if (!interval) {
    return fail(Code::invalid_config,
                "invalid interval \"" + text + "\": " + interval.error().message);
  }
  if (*interval < std::chrono::nanoseconds(0)) {
    return fail(Code::invalid_config,
                "interval must be non-negative, got " + format_duration(*interval));
  }
  return interval;
}

// What can be said of the files now; what OpenSSL thinks of them shows when scraping starts.
Result<void> check_tls(const MetricsDataSourceParams& params) {
  if (!params.insecure_skip_verify.value_or(true) && !params.ca_cert_path.empty()) {
    const auto pem = read_text_file(params.ca_cert_path, kMaxPem);
    if (!pem) {
      return fail(Code::invalid_config,
                  "reading CA cert " + params.ca_cert_path + ": " + pem.error().message);
    }
    if (!pem->contains("-----BEGIN CERTIFICATE-----")) {
      return fail(Code::invalid_config, "no valid CA certs in " + params.ca_cert_path);
    }
  }
  if (params.client_cert_path.empty() && params.client_key_path.empty()) return {};
  for (const std::string& path : {params.client_cert_path, params.client_key_path}) {
    if (const auto pem = read_text_file(path, kMaxPem); !pem) {
      return fail(Code::invalid_config, "loading client cert: " + pem.error().message);
    }
  }
  return {};
}

}  // namespace

Result<void> MetricsDataSourceParams::check(const MetricsDataSourceParams& params) {
  if (!params.scheme.empty() && params.scheme != "http" && params.scheme != "https") {
    return fail(Code::invalid_config, "unsupported scheme: " + params.scheme);
  }
  if (params.port && (*params.port < 1 || *params.port > 65535)) {
    return fail(Code::invalid_config,
                "invalid port " + std::to_string(*params.port) + ": must be between 1 and 65535");
  }
  if (auto interval = parse_interval(params.interval); !interval) {
    return std::unexpected(std::move(interval).error());
  }
  const auto bad = [](char c) { return c <= ' ' || c == '\x7f' || c == '#'; };
  if (std::ranges::any_of(params.path, bad)) {
    return fail(Code::invalid_config, "invalid path \"" + params.path + "\"");
  }
  return params.scheme == "http" ? Result<void>{} : check_tls(params);
}

MetricsDataSource::MetricsDataSource(const MetricsDataSourceParams& params, Setup& /*setup*/) {
  const auto interval = parse_interval(params.interval);
  if (!interval) bug("parameters that were not checked");
  poll_ = {.path = params.path.starts_with('/') ? params.path : "/" + params.path,
           .port = static_cast<std::uint16_t>(params.port.value_or(0)),
           .ca_file = params.ca_cert_path,
           .certificate_file = params.client_cert_path,
           .key_file = params.client_key_path,
           .interval = *interval};
  if (params.insecure_skip_verify) poll_.verify = !*params.insecure_skip_verify;
  if (!params.scheme.empty()) poll_.tls = params.scheme == "https";
}

}  // namespace pointsman
