#include "pointsman/fleet/metrics_data_source.h"

#include <chrono>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "pointsman/base/testing/temporary_folder.h"
#include "pointsman/fleet/testing/make_plugin.h"

namespace pointsman {
namespace {

using std::chrono_literals::operator""s;

Poll poll(std::string_view yaml) {
  const auto made = testing::make_plugin<MetricsDataSource>(yaml);
  EXPECT_TRUE(made.has_value()) << made.error().message;
  return made ? made->source->poll() : Poll{};
}

std::string problem(std::string_view yaml) {
  return testing::plugin_error<MetricsDataSource>(yaml);
}

TEST(MetricsDataSource, AsksEveryEndpointForItsMetricsByDefault) {
  const Poll defaults = poll("~");
  EXPECT_EQ(defaults.path, "/metrics");
  EXPECT_EQ(defaults.port, 0);
  EXPECT_FALSE(defaults.tls.has_value());
  EXPECT_FALSE(defaults.verify.has_value());
  EXPECT_EQ(defaults.interval, 0s);
}

TEST(MetricsDataSource, TakesAllItsParameters) {
  const Poll all = poll("{scheme: https, path: m, port: 9400, interval: 5s}");
  EXPECT_EQ(all.path, "/m");
  EXPECT_EQ(all.port, 9400);
  EXPECT_EQ(all.tls, true);
  EXPECT_EQ(all.interval, 5s);
  EXPECT_EQ(poll("{scheme: http}").tls, false);
  EXPECT_EQ(poll("{insecureSkipVerify: true}").verify, false);
  EXPECT_EQ(poll("{insecureSkipVerify: false}").verify, true);
}

TEST(MetricsDataSource, SaysWhatIsWrongWithItsParameters) {
  EXPECT_EQ(problem("{scheme: ftp}"), "unsupported scheme: ftp");
  EXPECT_EQ(problem("{port: 0}"), "invalid port 0: must be between 1 and 65535");
  EXPECT_EQ(problem("{port: 65536}"), "invalid port 65536: must be between 1 and 65535");
  EXPECT_EQ(problem("{interval: 5}"),
            "failed to parse the parameters of the 'metrics-data-source' plugin - json: cannot "
            "unmarshal number into Go struct field parameters.interval of type string");
  EXPECT_EQ(problem("{interval: \"5\"}"),
            "invalid interval \"5\": time: missing unit in duration \"5\"");
  EXPECT_EQ(problem("{interval: -1s}"), "interval must be non-negative, got -1s");
  EXPECT_EQ(problem("{path: \"/a b\"}"), "invalid path \"/a b\"");
}

TEST(MetricsDataSource, ReadsItsCertificateFilesWhenItIsMade) {
  const testing::TemporaryFolder folder;
  folder.write("empty.pem", "nothing");
  folder.write("ca.pem", "-----BEGIN CERTIFICATE-----\n");
  const auto with = [&](std::string_view more) {
    return problem("{scheme: https, insecureSkipVerify: false, " + std::string(more) + "}");
  };
  EXPECT_EQ(with("caCertPath: /nonexistent"),
            "reading CA cert /nonexistent: open /nonexistent: no such file or directory");
  EXPECT_EQ(with("caCertPath: " + folder.path("empty.pem")),
            "no valid CA certs in " + folder.path("empty.pem"));
  EXPECT_EQ(with("caCertPath: " + folder.path("ca.pem")), "none");
  EXPECT_EQ(with("clientCertPath: " + folder.path("ca.pem")),
            "loading client cert: open : no such file or directory");
  EXPECT_EQ(problem("{scheme: https, caCertPath: /nonexistent}"), "none");
  EXPECT_EQ(problem("{scheme: http, clientCertPath: /nonexistent}"), "none");
}

}  // namespace
}  // namespace pointsman
