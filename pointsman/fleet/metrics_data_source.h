#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "pointsman/base/result.h"
#include "pointsman/config/params.h"
#include "pointsman/stage/datalayer.h"
#include "pointsman/stage/setup.h"

namespace pointsman {

struct MetricsDataSourceParams {
  std::string scheme;
  std::string path = "/metrics";
  std::optional<std::int64_t> port;
  std::string interval;
  std::optional<bool> insecure_skip_verify;
  std::string ca_cert_path;
  std::string client_cert_path;
  std::string client_key_path;

  static constexpr auto fields() {
    using P = MetricsDataSourceParams;
    return std::tuple{
        field("scheme", &P::scheme, "http or https; unset: that of the endpoint."),
        field("path", &P::path, "Path of the page."),
        field("port", &P::port, "Port in place of the endpoint's, 1 to 65535."),
        field("interval", &P::interval, "Time between two reads, such as 1s; unset: every tick."),
        field("insecureSkipVerify", &P::insecure_skip_verify,
              "With https: do not check the server's certificate; unset: `epp` does not, `serve` "
              "does."),
        field("caCertPath", &P::ca_cert_path, "PEM file to check the server's certificate with."),
        field("clientCertPath", &P::client_cert_path, "PEM file with the certificate to show."),
        field("clientKeyPath", &P::client_key_path, "PEM file with its key."),
    };
  }
  static Result<void> check(const MetricsDataSourceParams& params);
};

// The metrics page of every endpoint, in the Prometheus text format.
class MetricsDataSource final : public Source {
 public:
  using Params = MetricsDataSourceParams;
  static constexpr std::string_view kType = "metrics-data-source";
  static constexpr std::string_view kHelp = "Reads the metrics page of every endpoint.";

  // REQUIRES: check(params) succeeds.
  MetricsDataSource(const MetricsDataSourceParams& params, Setup& setup);

  const Poll& poll() const override { return poll_; }

 private:
  Poll poll_;
};

}  // namespace pointsman
